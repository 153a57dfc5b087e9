// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_connect.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "smb/client/smb1_handshake.h"
#include "smb/client/smb1_share.h"
#include "smb/client/smb1_unix_requests.h"
#include "smb/client/smb1_unix_share.h"
#include "smb/wire/codec.h"

namespace smb3fuse::client {
namespace {

// No answer is longer: 64 KiB of data in a message, and a listing that comes in parts is no larger.
constexpr std::uint32_t kLargestFrame = 256 * 1024;
// What READ_ANDX and WRITE_ANDX are told with where they may be large: a multiple of the page that Windows and Samba
// take, whose lengths have 16 bits.
constexpr std::uint32_t kLargeIo = 60 * 1024;
// Header, words and padding of a READ_ANDX answer or a WRITE_ANDX.
constexpr std::uint32_t kIoOverhead = 64;
constexpr std::uint32_t kPage = 4096;
constexpr std::uint16_t kListing = 0xFFFF - kIoOverhead;
// Of one READ_ANDX where the UNIX extensions have large reads: what the kernel asks for at once.
constexpr std::uint32_t kUnixRead = 1024 * 1024;

tl::unexpected<ConnectError> failed(ConnectStep step, std::error_code error, std::string sentence) {
  return tl::make_unexpected(ConnectError{step, error, std::move(sentence)});
}

// What fits into one buffer of the server, in whole pages if it holds one.
std::uint32_t small_io(const smb1::Negotiated& negotiated) {
  const std::uint32_t room = std::min(negotiated.max_buffer_size, kLargeIo + kIoOverhead) - kIoOverhead;
  return room >= kPage ? room / kPage * kPage : room;
}

// What the server has of the UNIX extensions, and what we want of them, in one flight. If they are in use from now on,
// that is what is there of them, and `root` what they tell of the folder `path`.
Task<std::optional<cifs::CifsUnixInfo>> use_unix_extensions(Smb1Link& link, std::u16string path,
                                                            std::optional<Attributes>& root) {
  Smb1Requests posix = link.requests;
  posix.use_unix_extensions();
  Smb1Link::Flight flight;
  flight.push_back(Smb1UnixRequests(posix).query_info());
  flight.push_back(Smb1UnixRequests(posix).set_info(wanted_unix_extensions()));
  flight.push_back(Smb1UnixRequests(posix).query_basic(path));
  const Smb1Link::Answers answers = co_await link.exchange(std::move(flight));
  const auto offered = information_of<cifs::CifsUnixInfo>(answers[0]);
  if (!offered || is_error(answers[1].status)) co_return std::nullopt;
  if (!suffices(*offered)) {
    spdlog::warn("the server's UNIX extensions are too old to be used");
    co_return std::nullopt;
  }
  link.requests.use_unix_extensions();
  link.name_mapping = NameMapping::posix;
  link.posix_locks = (offered->capabilities & cifs::CIFS_UNIX_FCNTL_CAP) != 0;
  link.posix_acls = (offered->capabilities & cifs::CIFS_UNIX_POSIX_ACL_CAP) != 0;
  root.reset();
  if (auto told = unix_attributes_of(answers[2])) root = std::move(*told);
  co_return *offered;
}

// What the chain of the tree connect has not told is asked for by itself.
Task<tl::expected<Attributes, ConnectError>> look_at_root(Smb1Link& link, const ConnectConfig& config,
                                                          std::u16string path, std::optional<Attributes> told) {
  Result<Attributes> root = told.value_or(Attributes());
  if (!told) {
    Smb1Link::Flight look;
    ask_attributes(link.requests, path, look);
    const Smb1Link::Answers answers = co_await link.exchange(std::move(look));
    root = attributes_from(link.requests, answers, 0);
  }
  if (root && root->is_directory()) co_return std::move(*root);
  const auto error = root ? make_error_code(NtStatus::STATUS_NOT_A_DIRECTORY) : root.error();
  const std::string what =
      path.empty() ? "share '" + config.share + "'" : "folder '" + config.prefix + "' of share '" + config.share + "'";
  co_return failed(ConnectStep::tree_connect, error, "cannot open " + what + ": " + describe(error, *link.channel));
}

}  // namespace

Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect_smb1(Runtime& runtime,
                                                                      std::unique_ptr<Transport> transport,
                                                                      std::shared_ptr<const ConnectConfig> config,
                                                                      std::u16string prefix) {
  const std::uint16_t peer_port = transport->peer_port();
  const std::uint32_t largest_frame = transport->largest_frame();
  smb1::ConnectionLimits limits;
  limits.call_timeout = config->call_timeout;
  limits.echo_interval = config->echo_interval;
  limits.require_signing = config->require_signing;
  auto channel = std::make_unique<Smb1Channel>(runtime, std::move(transport), limits);
  channel->limit_frames(kLargestFrame);
  auto negotiation = co_await negotiate(*channel, *config);
  if (!negotiation) co_return tl::make_unexpected(negotiation.error());
  const FileTime clock_offset = negotiation->clock_offset;
  const auto tree = co_await log_on(*channel, *config, prefix, std::move(*negotiation));
  if (!tree) co_return tl::make_unexpected(tree.error());

  const smb1::Negotiated negotiated = channel->connection().negotiated();
  const bool is_signed = channel->connection().signs();
  const bool large_read = negotiated.has(cifs::CAP_LARGE_READX);
  // Windows takes no large write that is signed.
  const bool large_write = negotiated.has(cifs::CAP_LARGE_WRITEX) && !is_signed;
  Smb1Requests requests(tree->tree_id, negotiated);
  if (!tree->takes_chains) requests.take_no_chains();
  // [MS-CIFS] 2.2.4.52.2: where one request is all, there are no oplocks.
  const bool caching = config->caching && negotiated.max_mpx_count > 1;
  auto link = std::make_shared<Smb1Link>(runtime, std::move(channel), requests, caching);
  link->read_size = std::min(large_read ? kLargeIo : small_io(negotiated), config->read_size.value_or(kLargeIo));
  link->write_size = std::min(large_write ? kLargeIo : small_io(negotiated), config->write_size.value_or(kLargeIo));
  link->data_size = kListing;
  link->name_mapping = config->name_mapping;
  link->clock_offset = clock_offset;

  if (tree->left_open) link->close_later(*tree->left_open);
  std::optional<Attributes> told = tree->root;
  const auto posix_prefix = to_wire_path(config->prefix, NameMapping::posix);
  const bool may_be_unix = config->unix_extensions && negotiated.has(cifs::CAP_UNIX) && posix_prefix;
  std::optional<cifs::CifsUnixInfo> extensions;
  if (may_be_unix) extensions = co_await use_unix_extensions(*link, *posix_prefix, told);
  const bool is_unix = extensions.has_value();
  if (is_unix && large_read && (extensions->capabilities & cifs::CIFS_UNIX_LARGE_READ_CAP) != 0) {
    const std::uint32_t large = std::min(kUnixRead, (largest_frame - kIoOverhead) / kPage * kPage);
    link->read_size = std::min(large, config->read_size.value_or(large));
    link->channel->limit_frames(std::max(kLargestFrame, large + kIoOverhead));
  }
  Smb1Traits traits;
  traits.prefix = is_unix ? *posix_prefix : prefix;
  auto root = co_await look_at_root(*link, *config, traits.prefix, std::move(told));
  if (!root) co_return tl::make_unexpected(root.error());
  traits.server = config->server;
  traits.port = config->port.value_or(peer_port);
  traits.name = config->share;
  traits.root = std::move(*root);
  traits.read_only = tree->read_only;
  spdlog::info("connected to //{}/{}: SMB 1 (NT LM 0.12), {}{}{}", config->server, config->share,
               is_signed ? "signed" : "not signed", is_unix ? ", UNIX extensions" : "",
               traits.read_only ? ", read-only" : "");
  if (is_unix) co_return std::unique_ptr<Share>(std::make_unique<Smb1UnixShare>(link, std::move(traits)));
  co_return std::unique_ptr<Share>(std::make_unique<Smb1Share>(link, std::move(traits)));
}

}  // namespace smb3fuse::client
