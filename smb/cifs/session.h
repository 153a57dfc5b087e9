// SPDX-License-Identifier: Apache-2.0
// How a connection begins and ends: NEGOTIATE, SESSION_SETUP_ANDX, LOGOFF_ANDX, TREE_CONNECT_ANDX, TREE_DISCONNECT,
// ECHO, NT_CANCEL. [MS-CIFS] 2.2.4.52 to 2.2.4.56, [MS-SMB] 2.2.4.5 to 2.2.4.7
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "smb/cifs/block.h"
#include "smb/cifs/text.h"
#include "smb/wire/dtyp.h"

namespace smb3fuse::cifs {

// One of the dialects that are offered: BufferFormat 2, and the name in OEM.
struct Dialect {
  static constexpr std::uint8_t kBufferFormat = 0x02;
  Text name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    std::uint8_t buffer_format = kBufferFormat;
    a.field("buffer_format", buffer_format);
    a.nested("name", m.name);
  }
};

// [MS-CIFS] 2.2.4.52.1
struct NegotiateRequest {
  static constexpr Command kCode = Command::negotiate;
  static constexpr std::uint8_t kWords = 0;
  std::vector<Dialect> dialects;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.rest_items("dialects", m.dialects);
  }
};

inline constexpr std::uint16_t kNoDialect = 0xFFFF;

// [MS-CIFS] 2.2.4.52.2: what the answers in all dialects begin with. A core server says no more.
struct NegotiatedDialect {
  static constexpr Command kCode = Command::negotiate;
  static constexpr std::uint8_t kMinimumWords = 1;
  std::uint16_t dialect_index = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("dialect_index", m.dialect_index);
  }
};

enum SecurityMode : std::uint8_t {
  NEGOTIATE_USER_SECURITY = 0x01,
  NEGOTIATE_ENCRYPT_PASSWORDS = 0x02,
  NEGOTIATE_SECURITY_SIGNATURES_ENABLED = 0x04,
  NEGOTIATE_SECURITY_SIGNATURES_REQUIRED = 0x08,
};

enum Capabilities : std::uint32_t {
  CAP_RAW_MODE = 0x00000001,
  CAP_MPX_MODE = 0x00000002,
  CAP_UNICODE = 0x00000004,
  CAP_LARGE_FILES = 0x00000008,
  CAP_NT_SMBS = 0x00000010,
  CAP_RPC_REMOTE_APIS = 0x00000020,
  CAP_STATUS32 = 0x00000040,
  CAP_LEVEL_II_OPLOCKS = 0x00000080,
  CAP_LOCK_AND_READ = 0x00000100,
  CAP_NT_FIND = 0x00000200,
  CAP_DFS = 0x00001000,
  CAP_INFOLEVEL_PASSTHRU = 0x00002000,
  CAP_LARGE_READX = 0x00004000,
  CAP_LARGE_WRITEX = 0x00008000,
  CAP_UNIX = 0x00800000,
  CAP_DYNAMIC_REAUTH = 0x20000000,
  CAP_EXTENDED_SECURITY = 0x80000000,
};

// [MS-CIFS] 2.2.4.52.2, [MS-SMB] 2.2.4.5.2: in NT LM 0.12.
struct NegotiateResponse {
  static constexpr Command kCode = Command::negotiate;
  static constexpr std::uint8_t kWords = 17;
  std::uint16_t dialect_index = 0;
  std::uint8_t security_mode = 0;
  std::uint16_t max_mpx_count = 0;
  std::uint16_t max_number_vcs = 0;
  std::uint32_t max_buffer_size = 0;
  std::uint32_t max_raw_size = 0;
  std::uint32_t session_key = 0;
  std::uint32_t capabilities = 0;
  wire::FileTime system_time;
  std::uint16_t server_time_zone = 0;
  std::uint8_t challenge_length = 0;
  ByteView bytes;  // the challenge and names; with CAP_EXTENDED_SECURITY a GUID and a token

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("dialect_index", m.dialect_index);
    a.field("security_mode", m.security_mode);
    a.field("max_mpx_count", m.max_mpx_count);
    a.field("max_number_vcs", m.max_number_vcs);
    a.field("max_buffer_size", m.max_buffer_size);
    a.field("max_raw_size", m.max_raw_size);
    a.field("session_key", m.session_key);
    a.field("capabilities", m.capabilities);
    a.nested("system_time", m.system_time);
    a.field("server_time_zone", m.server_time_zone);
    a.field("challenge_length", m.challenge_length);
    a.template length_of<std::uint16_t>("byte_count", m.bytes);
    a.data("bytes", m.bytes);
  }
};

// [MS-SMB] 2.2.4.6.1: with extended security.
struct SessionSetupExtendedRequest {
  static constexpr Command kCode = Command::session_setup_andx;
  static constexpr std::uint8_t kWords = 12;
  std::uint16_t max_buffer_size = 0;
  std::uint16_t max_mpx_count = 0;
  std::uint16_t vc_number = 0;
  std::uint32_t session_key = 0;
  std::uint32_t capabilities = 0;
  ByteView security_blob;
  Text native_os;
  Text native_lan_man;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("max_buffer_size", m.max_buffer_size);
    a.field("max_mpx_count", m.max_mpx_count);
    a.field("vc_number", m.vc_number);
    a.field("session_key", m.session_key);
    a.template length_of<std::uint16_t>("security_blob_length", m.security_blob);
    a.template reserved<std::uint32_t>();
    a.field("capabilities", m.capabilities);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.data("security_blob", m.security_blob);
    a.nested("native_os", m.native_os);
    a.nested("native_lan_man", m.native_lan_man);
  }
};

enum SessionSetupAction : std::uint16_t { SMB_SETUP_GUEST = 0x0001, SMB_SETUP_USE_LANMAN_KEY = 0x0002 };

// [MS-SMB] 2.2.4.6.2
struct SessionSetupExtendedResponse {
  static constexpr Command kCode = Command::session_setup_andx;
  static constexpr std::uint8_t kWords = 4;
  std::uint16_t action = 0;
  ByteView security_blob;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("action", m.action);
    a.template length_of<std::uint16_t>("security_blob_length", m.security_blob);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.data("security_blob", m.security_blob);
  }
};

// [MS-CIFS] 2.2.4.53.1: without extended security.
struct SessionSetupRequest {
  static constexpr Command kCode = Command::session_setup_andx;
  static constexpr std::uint8_t kWords = 13;
  std::uint16_t max_buffer_size = 0;
  std::uint16_t max_mpx_count = 0;
  std::uint16_t vc_number = 0;
  std::uint32_t session_key = 0;
  std::uint32_t capabilities = 0;
  ByteView oem_password;
  ByteView unicode_password;
  bool is_plaintext = false;  // not on the wire: the password is text, and aligned if it is Unicode (Samba 4.17)
  std::vector<Text> names;    // AccountName, PrimaryDomain, NativeOS, NativeLanMan

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("max_buffer_size", m.max_buffer_size);
    a.field("max_mpx_count", m.max_mpx_count);
    a.field("vc_number", m.vc_number);
    a.field("session_key", m.session_key);
    a.template length_of<std::uint16_t>("oem_password_len", m.oem_password);
    a.template length_of<std::uint16_t>("unicode_password_len", m.unicode_password);
    a.template reserved<std::uint32_t>();
    a.field("capabilities", m.capabilities);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.data("oem_password", m.oem_password);
    if constexpr (!std::is_same_v<Archive, wire::Decoder>) {
      if (m.is_plaintext && !m.unicode_password.empty()) a.template align<2>();
    }
    a.data("unicode_password", m.unicode_password);
    a.rest_items("names", m.names);
  }
};

// [MS-CIFS] 2.2.4.53.2
struct SessionSetupResponse {
  static constexpr Command kCode = Command::session_setup_andx;
  static constexpr std::uint8_t kMinimumWords = 3;
  std::uint16_t action = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("action", m.action);
  }
};

enum TreeConnectFlags : std::uint16_t { TREE_CONNECT_ANDX_EXTENDED_RESPONSE = 0x0008 };

// [MS-CIFS] 2.2.4.55.1
struct TreeConnectRequest {
  static constexpr Command kCode = Command::tree_connect_andx;
  static constexpr std::uint8_t kWords = 4;
  std::uint16_t flags = 0;
  ByteView password;  // of a share, where the server's security is not the users'; else one zero
  Text path;
  Text service;  // OEM always

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("flags", m.flags);
    a.template length_of<std::uint16_t>("password_length", m.password);
    a.template length_of_rest<std::uint16_t>("byte_count");
    a.data("password", m.password);
    a.nested("path", m.path);
    a.nested("service", m.service);
  }
};

enum OptionalSupport : std::uint16_t { SMB_SUPPORT_SEARCH_BITS = 0x0001, SMB_SHARE_IS_IN_DFS = 0x0002 };

// [MS-CIFS] 2.2.4.55.2. The bytes begin with the service, in OEM.
struct TreeConnectResponse {
  static constexpr Command kCode = Command::tree_connect_andx;
  static constexpr std::uint8_t kMinimumWords = 3;
  std::uint16_t optional_support = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("optional_support", m.optional_support);
  }
};

// [MS-SMB] 2.2.4.7.2
struct TreeConnectExtendedResponse {
  static constexpr Command kCode = Command::tree_connect_andx;
  static constexpr std::uint8_t kMinimumWords = 7;
  std::uint16_t optional_support = 0;
  std::uint32_t maximal_share_access_rights = 0;
  std::uint32_t guest_maximal_share_access_rights = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("optional_support", m.optional_support);
    a.field("maximal_share_access_rights", m.maximal_share_access_rights);
    a.field("guest_maximal_share_access_rights", m.guest_maximal_share_access_rights);
  }
};

// A request or an answer without any words or bytes.
template <Command Code, std::uint8_t Words = is_andx(Code) ? 2 : 0>
struct EmptyBlock {
  static constexpr Command kCode = Code;
  static constexpr std::uint8_t kWords = Words;

  template <class Archive, class Self>
  static void describe(Archive& a, Self&) {
    a.template reserved<std::uint16_t>();  // ByteCount
  }
};

using LogoffRequest = EmptyBlock<Command::logoff_andx>;              // [MS-CIFS] 2.2.4.54
using TreeDisconnectRequest = EmptyBlock<Command::tree_disconnect>;  // [MS-CIFS] 2.2.4.51
using NtCancelRequest = EmptyBlock<Command::nt_cancel>;              // [MS-CIFS] 2.2.4.65

// [MS-CIFS] 2.2.4.39
struct EchoRequest {
  static constexpr Command kCode = Command::echo;
  static constexpr std::uint8_t kWords = 1;
  std::uint16_t echo_count = 1;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("echo_count", m.echo_count);
    a.template reserved<std::uint16_t>();  // ByteCount
  }
};

}  // namespace smb3fuse::cifs
