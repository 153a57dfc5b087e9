// SPDX-License-Identifier: Apache-2.0
#include "nbt/session.h"

#include <algorithm>
#include <utility>

namespace smb3fuse::nbt {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "NetBIOS session"; }
  std::string message(int code) const override {
    switch (static_cast<SessionError>(code)) {
      case SessionError::not_listening_on_called_name:
        return "the server does not listen on the name that it was called by";
      case SessionError::not_listening_for_calling_name:
        return "the server does not listen for us, by the name that we gave";
      case SessionError::called_name_not_present:
        return "the server does not have the name that it was called by";
      case SessionError::insufficient_resources:
        return "the server has no room for another NetBIOS session";
      case SessionError::unspecified:
        return "the server refuses the NetBIOS session without saying why";
      case SessionError::hung_up:
        return "the server hung up when it was asked for a NetBIOS session";
      case SessionError::malformed:
        return "the server's answer is none to a NetBIOS session request";
      case SessionError::too_many_retargets:
        return "the server sent us to another port again and again";
    }
    return "the server refuses the NetBIOS session with the unknown code " + std::to_string(code);
  }
};

Bytes encoded(const Name& name) {
  Writer writer;
  put_name(writer, name);
  return writer.take();
}

}  // namespace

const std::error_category& session_category() {
  static const Category category;
  return category;
}

Bytes encode_session_request(const Name& called, const Name& calling) {
  const Bytes to = encoded(called);
  const Bytes from = encoded(calling);
  Writer writer;
  writer.bytes(encode_frame_header({FrameType::session_request, static_cast<std::uint32_t>(to.size() + from.size())}));
  writer.bytes(to);
  writer.bytes(from);
  return writer.take();
}

SessionNames called_names(const std::string& host, const std::optional<Name>& given, Name calling) {
  SessionNames names{std::move(calling), {}, !given};
  if (given) {
    names.called.push_back(*given);
    return names;
  }
  names.called.push_back(smb_server_name());
  const bool is_address =
      host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
  const auto label = is_address ? std::nullopt : name_of_host(host, suffix::file_server);
  if (label && *label != names.called.front()) names.called.push_back(*label);
  return names;
}

Bytes SessionOpening::handle_connected() {
  expect_header();
  error_ = {};
  called_text_ = names_.called[index_].text();
  return encode_session_request(names_.called[index_], names_.calling);
}

void SessionOpening::expect_header() {
  want_ = Want::bytes;
  answer_ = std::nullopt;
  missing_ = kFrameHeaderSize;
}

void SessionOpening::handle_bytes(ByteView bytes) {
  if (want_ != Want::bytes || bytes.size() != missing_) return give_up(SessionError::malformed);
  if (!answer_) {
    const FrameHeader header = decode_frame_header(bytes.first<kFrameHeaderSize>());
    switch (header.type) {
      case FrameType::positive_session_response:
        if (header.length != 0) return give_up(SessionError::malformed);
        want_ = Want::nothing;
        return;
      case FrameType::session_keep_alive:
        if (header.length != 0) return give_up(SessionError::malformed);
        return expect_header();
      case FrameType::negative_session_response:
        if (header.length != 1) return give_up(SessionError::malformed);
        break;
      case FrameType::retarget_session_response:
        if (header.length != 6) return give_up(SessionError::malformed);
        break;
      default:
        return give_up(SessionError::malformed);
    }
    answer_ = header.type;
    missing_ = header.length;
    return;
  }
  if (*answer_ == FrameType::negative_session_response) {
    const auto code = static_cast<SessionError>(bytes[0]);
    // Another name makes no room. RFC 1002 4.3.4
    return code == SessionError::insufficient_resources ? give_up(code) : next_name(code);
  }
  // RFC 1002 4.3.5, 5.2.1.3: the same name is at another address and port.
  if (retargets_left_-- == 0) return give_up(SessionError::too_many_retargets);
  Endpoint target;
  std::copy_n(bytes.begin(), target.address.size(), target.address.begin());
  target.port = static_cast<std::uint16_t>(bytes[4] << 8 | bytes[5]);
  if (target.port == 0 || target.address == Ipv4{}) return give_up(SessionError::malformed);
  target_ = target;
  want_ = Want::connection;
}

void SessionOpening::handle_end() { next_name(SessionError::hung_up); }

void SessionOpening::next_name(SessionError why) {
  error_ = make_error_code(why);
  target_ = std::nullopt;
  ++index_;
  if (index_ < names_.called.size()) {
    want_ = Want::connection;
  } else if (names_.ask_node_status && !std::exchange(asked_node_status_, true)) {
    want_ = Want::node_status;
  } else {
    want_ = Want::nothing;
  }
}

void SessionOpening::handle_node_status(const std::optional<NodeStatus>& status) {
  const auto name = status ? server_name_of(*status) : std::nullopt;
  const bool is_new = name && std::find(names_.called.begin(), names_.called.end(), *name) == names_.called.end();
  want_ = is_new ? Want::connection : Want::nothing;
  if (is_new) names_.called.push_back(*name);
}

void SessionOpening::give_up(SessionError why) {
  error_ = make_error_code(why);
  want_ = Want::nothing;
}

}  // namespace smb3fuse::nbt
