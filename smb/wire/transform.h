// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.41: the header in front of sealed messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"

namespace smb3fuse::wire {

inline constexpr std::size_t kTransformHeaderSize = 52;

// What is authenticated but not sealed: the header from its nonce on.
inline constexpr std::size_t kTransformAadOffset = 20;

// [MS-SMB2] 2.2.41 Flags/EncryptionAlgorithm: "encrypted" in 3.1.1, AES-128-CCM in 3.0 and 3.0.2, by the same value.
inline constexpr std::uint16_t kTransformEncrypted = 0x0001;

// [MS-SMB2] 2.2.41 SMB2 TRANSFORM_HEADER
struct TransformHeader {
  std::array<std::uint8_t, 16> signature{};
  std::array<std::uint8_t, 16> nonce{};
  std::uint32_t original_message_size = 0;
  std::uint16_t flags = kTransformEncrypted;
  std::uint64_t session_id = 0;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template magic<kTransformProtocolId>("protocol_id");
    a.fixed("signature", m.signature);
    a.fixed("nonce", m.nonce);
    a.field("original_message_size", m.original_message_size);
    a.template reserved<std::uint16_t>();
    a.field("flags", m.flags);
    a.field("session_id", m.session_id);
  }
};

}  // namespace smb3fuse::wire
