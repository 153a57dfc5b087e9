// SPDX-License-Identifier: Apache-2.0
#include "smb/cifs/block.h"

#include <cassert>

namespace smb3fuse::cifs {
namespace {

tl::unexpected<wire::DecodeError> wrong(const char* field, std::size_t at, wire::DecodeProblem problem) {
  return tl::make_unexpected(wire::DecodeError{"Block", field, at, problem});
}

}  // namespace

tl::expected<std::vector<Block>, wire::DecodeError> split_blocks(ByteView message) {
  using wire::DecodeProblem;
  if (message.size() < kHeaderSize) return wrong("header", 0, DecodeProblem::truncated);
  std::vector<Block> blocks;
  auto command = static_cast<Command>(message[4]);
  for (std::size_t at = kHeaderSize;;) {
    if (message.size() - at < 1) return wrong("word_count", at, DecodeProblem::truncated);
    Block block;
    block.command = command;
    block.word_count = message[at];
    block.words_at = at + 1;
    const std::size_t words = std::size_t{block.word_count} * 2;
    if (message.size() - block.words_at < words + 2) return wrong("words", block.words_at, DecodeProblem::truncated);
    const std::size_t bytes_at = block.words_at + words + 2;
    const std::size_t count = wire::load_le<std::uint16_t>(message.data() + bytes_at - 2);
    if (count > message.size() - bytes_at) return wrong("byte_count", bytes_at - 2, DecodeProblem::truncated);
    block.bytes = message.subspan(bytes_at, count);
    block.rest = message.subspan(block.words_at);
    blocks.push_back(block);
    if (!is_andx(command) || block.word_count < 2) return blocks;
    command = static_cast<Command>(message[block.words_at]);
    if (command == Command::none) return blocks;
    if (blocks.size() == kMaximumBlocks) return wrong("andx_command", block.words_at, DecodeProblem::too_many);
    const std::size_t next = wire::load_le<std::uint16_t>(message.data() + block.words_at + 2);
    if (next < bytes_at || next >= message.size())
      return wrong("andx_offset", block.words_at + 2, DecodeProblem::bad_offset);
    at = next;
  }
}

void MessageBuilder::begin(Command command, std::uint8_t word_count) {
  const bool is_first = message_.size() == kHeaderSize;
  if (is_first) {
    first_ = command;
  } else {
    assert(andx_at_ != 0 && "nothing may follow this command");
    message_.resize(wire::aligned_up(message_.size(), 4));
    message_[andx_at_] = static_cast<std::uint8_t>(command);
    wire::store_le(message_.data() + andx_at_ + 2, static_cast<std::uint16_t>(message_.size()));
  }
  message_.push_back(word_count);
  andx_at_ = is_andx(command) ? message_.size() : 0;
  if (andx_at_ != 0) message_.insert(message_.end(), {static_cast<std::uint8_t>(Command::none), 0, 0, 0});
}

}  // namespace smb3fuse::cifs
