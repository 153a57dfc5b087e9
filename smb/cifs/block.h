// SPDX-License-Identifier: Apache-2.0
// A message behind its header: blocks of WordCount, words, ByteCount, bytes ([MS-CIFS] 2.2.3.2, 2.2.3.3), chained by
// the AndX fields at the start of the words ([MS-CIFS] 2.2.3.4). A structure describes its words without the AndX
// fields, then ByteCount and its bytes:
//
//   struct CloseRequest {
//     static constexpr Command kCode = Command::close;
//     static constexpr std::uint8_t kWords = 3;   // WordCount, the two of AndX included
//     ...
//   };
//
// Where servers send more words than we know of, kMinimumWords takes the place of kWords, and nothing behind the words
// is described. Offsets count from the header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tl/expected.hpp>
#include <vector>

#include "smb/cifs/header.h"
#include "smb/wire/codec.h"

namespace smb3fuse::cifs {

inline constexpr std::size_t kAndXSize = 4;  // AndXCommand, a reserved byte, AndXOffset

// One block of a message. Views lie in the message.
struct Block {
  Command command{};
  std::uint8_t word_count = 0;
  std::size_t words_at = 0;  // in the message
  ByteView bytes;            // what ByteCount says; of a READ_ANDX that is longer than 64 KiB only the first of them
  ByteView rest;             // from the words to the end of the message
};

// More are in no chain that is allowed.
inline constexpr std::size_t kMaximumBlocks = 8;

// The blocks of `message`, header included. A chain that leads backwards or out of the message is an error.
tl::expected<std::vector<Block>, wire::DecodeError> split_blocks(ByteView message);

template <class T>
tl::expected<T, wire::DecodeError> decode(const Block& block) {
  bool fits = false;
  if constexpr (requires { T::kMinimumWords; }) {
    fits = block.word_count >= T::kMinimumWords;
  } else {
    fits = block.word_count == T::kWords;
  }
  if (!fits) {
    return tl::make_unexpected(wire::DecodeError{wire::type_name<T>(), "word_count", block.words_at - 1,
                                                 wire::DecodeProblem::bad_structure_size});
  }
  const std::size_t skip = is_andx(T::kCode) ? kAndXSize : 0;
  return wire::decode<T>(block.rest.subspan(skip), block.words_at + skip);
}

// Builds a message: room for the header, then block after block, each linked to the one before.
class MessageBuilder {
 public:
  MessageBuilder() : message_(kHeaderSize) {}

  template <class T>
  MessageBuilder& add(const T& block) {
    begin(T::kCode, T::kWords);
    wire::encode_to(message_, block, message_.size());
    return *this;
  }
  // So that nothing of what is added, up to so many bytes, is left behind in memory where the message grows.
  MessageBuilder& reserve(std::size_t bytes) {
    message_.reserve(bytes);
    return *this;
  }
  // The first command, for the header.
  Command command() const { return first_; }
  Bytes take() { return std::move(message_); }

 private:
  void begin(Command command, std::uint8_t word_count);

  Bytes message_;
  Command first_ = Command::none;
  std::size_t andx_at_ = 0;  // of the last block; 0: it has none
};

}  // namespace smb3fuse::cifs
