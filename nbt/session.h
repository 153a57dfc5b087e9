// SPDX-License-Identifier: Apache-2.0
// How a NetBIOS session begins: called names are tried in their order until the server takes one; a retargeting is
// followed, a refusal has its code. Sans-io; whoever drives it makes the connections. RFC 1001 16, RFC 1002 4.3, 5.2.
// One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "nbt/address.h"
#include "nbt/framing.h"
#include "nbt/name.h"
#include "nbt/name_packet.h"

namespace smb3fuse::nbt {

inline constexpr std::uint16_t kSessionPort = 139;

// The first five are codes of RFC 1002 4.3.4, the rest is what we found out.
enum class SessionError : std::uint8_t {
  not_listening_on_called_name = 0x80,
  not_listening_for_calling_name = 0x81,
  called_name_not_present = 0x82,
  insufficient_resources = 0x83,
  unspecified = 0x8F,
  hung_up = 0xF0,
  malformed = 0xF1,
  too_many_retargets = 0xF2,
};
const std::error_category& session_category();
inline std::error_code make_error_code(SessionError error) { return {static_cast<int>(error), session_category()}; }

Bytes encode_session_request(const Name& called, const Name& calling);

struct SessionNames {
  Name calling;
  std::vector<Name> called;      // in the order in which they are tried
  bool ask_node_status = false;  // at last, for the name that the server itself says it has
};

// The names for a server: what the user says is its name, alone; else *SMBSERVER, the first label of its name, and what
// node status reports. `host` may be an address.
SessionNames called_names(const std::string& host, const std::optional<Name>& given, Name calling);

class SessionOpening {
 public:
  enum class Want : std::uint8_t {
    connection,   // make a new one, to target() if it is given; then handle_connected()
    bytes,        // missing() of them, exactly; then handle_bytes(), or handle_end() when the stream ends instead
    node_status,  // of the server; then handle_node_status()
    nothing,      // the session stands, or error()
  };

  explicit SessionOpening(SessionNames names) : names_(std::move(names)) {}

  Want want() const { return want_; }
  const std::optional<Endpoint>& target() const { return target_; }
  std::size_t missing() const { return missing_; }
  // What is to be sent.
  Bytes handle_connected();
  void handle_bytes(ByteView bytes);
  void handle_end();
  void handle_node_status(const std::optional<NodeStatus>& status);

  const std::error_code& error() const { return error_; }
  const std::string& called_name() const { return called_text_; }

 private:
  void next_name(SessionError why);
  void give_up(SessionError why);
  void expect_header();

  SessionNames names_;
  std::size_t index_ = 0;
  bool asked_node_status_ = false;
  Want want_ = Want::connection;
  std::optional<Endpoint> target_;
  int retargets_left_ = 3;
  std::optional<FrameType> answer_;  // whose body is missing
  std::size_t missing_ = 0;
  std::error_code error_;
  std::string called_text_;
};

}  // namespace smb3fuse::nbt

template <>
struct std::is_error_code_enum<smb3fuse::nbt::SessionError> : std::true_type {};
