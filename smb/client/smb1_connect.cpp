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

tl::expected<Smb1Traits, ConnectError> traits_of(const Smb1Link::Answers& answers, const ConnectConfig& config,
                                                 const Smb1Link& link) {
  constexpr auto kStep = ConnectStep::tree_connect;
  const auto root = attributes_from(link.requests, answers, 1);
  if (!root || !root->is_directory()) {
    const auto error = root ? make_error_code(NtStatus::STATUS_NOT_A_DIRECTORY) : root.error();
    const std::string what = config.prefix.empty() ? "share '" + config.share + "'"
                                                   : "folder '" + config.prefix + "' of share '" + config.share + "'";
    return failed(kStep, error, "cannot open " + what + ": " + describe(error, *link.channel));
  }
  Smb1Traits traits;
  traits.root = *root;
  // Not every server tells what its file system can do.
  if (!is_error(answers[0].status)) {
    if (const auto system = information_of<wire::FileFsAttributeInformation>(answers[0])) {
      traits.case_sensitive = (system->file_system_attributes & wire::FILE_CASE_SENSITIVE_SEARCH) != 0;
      traits.read_only = (system->file_system_attributes & wire::FILE_READ_ONLY_VOLUME) != 0;
    }
  }
  return traits;
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
  const auto tree = co_await log_on(*channel, *config, std::move(*negotiation));
  if (!tree) co_return tl::make_unexpected(tree.error());

  const smb1::Negotiated negotiated = channel->connection().negotiated();
  const bool is_signed = channel->connection().signs();
  const bool large_read = negotiated.has(cifs::CAP_LARGE_READX);
  // Windows takes no large write that is signed.
  const bool large_write = negotiated.has(cifs::CAP_LARGE_WRITEX) && !is_signed;
  const Smb1Requests requests(tree->tree_id, negotiated);
  auto link = std::make_shared<Smb1Link>(runtime, std::move(channel), requests, config->caching);
  link->read_size = std::min(large_read ? kLargeIo : small_io(negotiated), config->read_size.value_or(kLargeIo));
  link->write_size = std::min(large_write ? kLargeIo : small_io(negotiated), config->write_size.value_or(kLargeIo));
  link->data_size = kListing;
  link->name_mapping = config->name_mapping;
  link->clock_offset = clock_offset;

  Smb1Link::Flight look;
  look.push_back(requests.query_fs(wire::FsInformationClass::attribute, cifs::level::query_fs_attribute_info));
  ask_attributes(requests, prefix, look);
  const Smb1Link::Answers answers = co_await link->exchange(std::move(look));
  auto traits = traits_of(answers, *config, *link);
  if (!traits) co_return tl::make_unexpected(traits.error());
  traits->server = config->server;
  traits->port = config->port.value_or(peer_port);
  traits->name = config->share;
  traits->prefix = prefix;
  traits->read_only = traits->read_only || tree->read_only;
  spdlog::info("connected to //{}/{}: SMB 1 (NT LM 0.12), {}{}", config->server, config->share,
               is_signed ? "signed" : "not signed", traits->read_only ? ", read-only" : "");
  co_return std::unique_ptr<Share>(std::make_unique<Smb1Share>(link, std::move(*traits)));
}

}  // namespace smb3fuse::client
