// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/file.h"

namespace smb3fuse::cifs {

std::optional<ByteView> ReadResponse::data(const Block& block, ByteView message) const {
  const std::size_t length = data_length | std::size_t{data_length_high} << 16;
  if (length == 0) return ByteView();
  const std::size_t behind_words = block.words_at + std::size_t{block.word_count} * 2 + sizeof(std::uint16_t);
  if (data_offset < behind_words || data_offset > message.size() || length > message.size() - data_offset) {
    return std::nullopt;
  }
  return message.subspan(data_offset, length);
}

void WriteRequest::set_data(wire::Payload payload) {
  data = payload;
  data_length = static_cast<std::uint16_t>(payload.length);
  data_length_high = static_cast<std::uint16_t>(payload.length >> 16);
  byte_count = static_cast<std::uint16_t>(payload.length + 1);
}

}  // namespace smb3fuse::cifs
