// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_connect.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "smb/client/smb1_handshake.h"
#include "smb/client/smb1_share.h"
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

tl::unexpected<ConnectError> failed(ConnectStep step, std::error_code error, std::string sentence) {
  return tl::make_unexpected(ConnectError{step, error, std::move(sentence)});
}

// What fits into one buffer of the server, in whole pages if it holds one.
std::uint32_t small_io(const smb1::Negotiated& negotiated) {
  const std::uint32_t room = std::min(negotiated.max_buffer_size, kLargeIo + kIoOverhead) - kIoOverhead;
  return room >= kPage ? room / kPage * kPage : room;
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
  const Smb1Requests requests(tree->tree_id, negotiated);
  // [MS-CIFS] 2.2.4.52.2: where one request is all, there are no oplocks.
  const bool caching = config->caching && negotiated.max_mpx_count > 1;
  auto link = std::make_shared<Smb1Link>(runtime, std::move(channel), requests, caching);
  link->read_size = std::min(large_read ? kLargeIo : small_io(negotiated), config->read_size.value_or(kLargeIo));
  link->write_size = std::min(large_write ? kLargeIo : small_io(negotiated), config->write_size.value_or(kLargeIo));
  link->data_size = kListing;
  link->name_mapping = config->name_mapping;
  link->clock_offset = clock_offset;

  if (tree->left_open) link->close_later(*tree->left_open);
  auto root = co_await look_at_root(*link, *config, prefix, tree->root);
  if (!root) co_return tl::make_unexpected(root.error());
  Smb1Traits traits;
  traits.server = config->server;
  traits.port = config->port.value_or(peer_port);
  traits.name = config->share;
  traits.prefix = prefix;
  traits.root = std::move(*root);
  traits.read_only = tree->read_only;
  spdlog::info("connected to //{}/{}: SMB 1 (NT LM 0.12), {}{}", config->server, config->share,
               is_signed ? "signed" : "not signed", traits.read_only ? ", read-only" : "");
  co_return std::unique_ptr<Share>(std::make_unique<Smb1Share>(link, std::move(traits)));
}

}  // namespace smb3fuse::client
