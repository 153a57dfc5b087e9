// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.3, 2.2.4: NEGOTIATE and its contexts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "smb/wire/codec.h"
#include "smb/wire/dtyp.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

enum class Dialect : std::uint16_t {
  smb_2_0_2 = 0x0202,
  smb_2_1 = 0x0210,
  smb_3_0 = 0x0300,
  smb_3_0_2 = 0x0302,
  smb_3_1_1 = 0x0311,
  wildcard = 0x02FF,  // the answer to an SMB1 NEGOTIATE with "SMB 2.???"
};

enum SecurityMode : std::uint16_t {
  SMB2_NEGOTIATE_SIGNING_ENABLED = 0x0001,
  SMB2_NEGOTIATE_SIGNING_REQUIRED = 0x0002,
};

enum GlobalCapabilities : std::uint32_t {
  SMB2_GLOBAL_CAP_DFS = 0x00000001,
  SMB2_GLOBAL_CAP_LEASING = 0x00000002,
  SMB2_GLOBAL_CAP_LARGE_MTU = 0x00000004,
  SMB2_GLOBAL_CAP_MULTI_CHANNEL = 0x00000008,
  SMB2_GLOBAL_CAP_PERSISTENT_HANDLES = 0x00000010,
  SMB2_GLOBAL_CAP_DIRECTORY_LEASING = 0x00000020,
  SMB2_GLOBAL_CAP_ENCRYPTION = 0x00000040,
  SMB2_GLOBAL_CAP_NOTIFICATIONS = 0x00000080,
};

// [MS-SMB2] 2.2.3.1
enum class NegotiateContextType : std::uint16_t {
  preauth_integrity_capabilities = 0x0001,
  encryption_capabilities = 0x0002,
  compression_capabilities = 0x0003,
  netname_negotiate_context_id = 0x0005,
  transport_capabilities = 0x0006,
  rdma_transform_capabilities = 0x0007,
  signing_capabilities = 0x0008,
};

// [MS-SMB2] 2.2.3.1 SMB2 NEGOTIATE_CONTEXT. The data is a copy: it is short, and views into it can outlive the packet.
struct NegotiateContext {
  NegotiateContextType context_type{};
  Bytes data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("context_type", m.context_type);
    a.template length_of<std::uint16_t>("data_length", m.data);
    a.template reserved<std::uint32_t>();
    a.data("data", m.data);
  }
};

enum class HashAlgorithm : std::uint16_t { sha512 = 0x0001 };

// [MS-SMB2] 2.2.3.1.1, 2.2.4.1.1
struct PreauthIntegrityCapabilities {
  static constexpr auto kContextType = NegotiateContextType::preauth_integrity_capabilities;
  std::vector<HashAlgorithm> hash_algorithms;
  Bytes salt;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template count_of<std::uint16_t>("hash_algorithm_count", m.hash_algorithms);
    a.template length_of<std::uint16_t>("salt_length", m.salt);
    a.items("hash_algorithms", m.hash_algorithms);
    a.data("salt", m.salt);
  }
};

enum class Cipher : std::uint16_t {
  none = 0x0000,  // in a response: no cipher in common
  aes_128_ccm = 0x0001,
  aes_128_gcm = 0x0002,
  aes_256_ccm = 0x0003,
  aes_256_gcm = 0x0004,
};

// [MS-SMB2] 2.2.3.1.2, 2.2.4.1.2
struct EncryptionCapabilities {
  static constexpr auto kContextType = NegotiateContextType::encryption_capabilities;
  std::vector<Cipher> ciphers;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template count_of<std::uint16_t>("cipher_count", m.ciphers);
    a.items("ciphers", m.ciphers);
  }
};

// [MS-SMB2] 2.2.3.1.3, 2.2.4.1.3
struct CompressionCapabilities {
  static constexpr auto kContextType = NegotiateContextType::compression_capabilities;
  std::uint32_t flags = 0;
  std::vector<std::uint16_t> compression_algorithms;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template count_of<std::uint16_t>("compression_algorithm_count", m.compression_algorithms);
    a.template reserved<std::uint16_t>();
    a.field("flags", m.flags);
    a.items("compression_algorithms", m.compression_algorithms);
  }
};

// [MS-SMB2] 2.2.3.1.4: the server's name as the user wrote it.
struct NetnameNegotiateContextId {
  static constexpr auto kContextType = NegotiateContextType::netname_negotiate_context_id;
  std::u16string net_name;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.data("net_name", m.net_name);
  }
};

// [MS-SMB2] 2.2.3.1.5, 2.2.4.1.5
struct TransportCapabilities {
  static constexpr auto kContextType = NegotiateContextType::transport_capabilities;
  std::uint32_t flags = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.field("flags", m.flags);
  }
};
inline constexpr std::uint32_t SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY = 0x00000001;

// [MS-SMB2] 2.2.3.1.6, 2.2.4.1.6
struct RdmaTransformCapabilities {
  static constexpr auto kContextType = NegotiateContextType::rdma_transform_capabilities;
  std::vector<std::uint16_t> rdma_transform_ids;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template count_of<std::uint16_t>("transform_count", m.rdma_transform_ids);
    a.template reserved<std::uint16_t>();
    a.template reserved<std::uint32_t>();
    a.items("rdma_transform_ids", m.rdma_transform_ids);
  }
};

enum class SigningAlgorithm : std::uint16_t { hmac_sha256 = 0x0000, aes_cmac = 0x0001, aes_gmac = 0x0002 };

// [MS-SMB2] 2.2.3.1.7, 2.2.4.1.7
struct SigningCapabilities {
  static constexpr auto kContextType = NegotiateContextType::signing_capabilities;
  std::vector<SigningAlgorithm> signing_algorithms;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template count_of<std::uint16_t>("signing_algorithm_count", m.signing_algorithms);
    a.items("signing_algorithms", m.signing_algorithms);
  }
};

template <class T>
NegotiateContext make_negotiate_context(const T& context) {
  return {T::kContextType, encode(context)};
}

// The first context of T's type, decoded; nothing if there is none. Others, known or not, are passed over.
template <class T>
tl::expected<std::optional<T>, DecodeError> find_context(const std::vector<NegotiateContext>& contexts) {
  for (const NegotiateContext& context : contexts) {
    if (context.context_type != T::kContextType) continue;
    tl::expected<T, DecodeError> found = decode<T>(context.data);
    if (!found) return tl::unexpected(found.error());
    return std::optional<T>(std::move(*found));
  }
  return std::optional<T>();
}

// [MS-SMB2] 2.2.3. NegotiateContextOffset, -Count and Reserved2 stand where the older dialects have ClientStartTime,
// which is always 0: the same bytes as no contexts.
struct NegotiateRequest {
  static constexpr Command kCommand = Command::negotiate;
  std::uint16_t security_mode = 0;
  std::uint32_t capabilities = 0;
  Guid client_guid;
  std::vector<Dialect> dialects;
  std::vector<NegotiateContext> negotiate_contexts;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<36>();
    a.template count_of<std::uint16_t>("dialect_count", m.dialects);
    a.field("security_mode", m.security_mode);
    a.template reserved<std::uint16_t>();
    a.field("capabilities", m.capabilities);
    a.nested("client_guid", m.client_guid);
    a.template offset_of<std::uint32_t>("negotiate_context_offset", m.negotiate_contexts);
    a.template count_of<std::uint16_t>("negotiate_context_count", m.negotiate_contexts);
    a.template reserved<std::uint16_t>();
    a.items("dialects", m.dialects);
    a.template items<8>("negotiate_contexts", m.negotiate_contexts);
  }
};

// [MS-SMB2] 2.2.4. `security_buffer` is a view of the input.
struct NegotiateResponse {
  static constexpr Command kCommand = Command::negotiate;
  std::uint16_t security_mode = 0;
  Dialect dialect_revision{};
  Guid server_guid;
  std::uint32_t capabilities = 0;
  std::uint32_t max_transact_size = 0;
  std::uint32_t max_read_size = 0;
  std::uint32_t max_write_size = 0;
  FileTime system_time;
  FileTime server_start_time;
  ByteView security_buffer;
  std::vector<NegotiateContext> negotiate_contexts;  // 3.1.1 only

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<65>();
    a.field("security_mode", m.security_mode);
    a.field("dialect_revision", m.dialect_revision);
    // Before 3.1.1 the context fields are reserved, and may hold anything.
    const bool has_contexts = m.dialect_revision == Dialect::smb_3_1_1;
    if (has_contexts) {
      a.template count_of<std::uint16_t>("negotiate_context_count", m.negotiate_contexts);
    } else {
      a.template reserved<std::uint16_t>();
    }
    a.nested("server_guid", m.server_guid);
    a.field("capabilities", m.capabilities);
    a.field("max_transact_size", m.max_transact_size);
    a.field("max_read_size", m.max_read_size);
    a.field("max_write_size", m.max_write_size);
    a.nested("system_time", m.system_time);
    a.nested("server_start_time", m.server_start_time);
    a.template offset_of<std::uint16_t>("security_buffer_offset", m.security_buffer);
    a.template length_of<std::uint16_t>("security_buffer_length", m.security_buffer);
    if (has_contexts) {
      a.template offset_of<std::uint32_t>("negotiate_context_offset", m.negotiate_contexts);
    } else {
      a.template reserved<std::uint32_t>();
    }
    a.data("security_buffer", m.security_buffer);
    if (has_contexts) a.template items<8>("negotiate_contexts", m.negotiate_contexts);
  }
};

}  // namespace smb3fuse::wire
