// SPDX-License-Identifier: Apache-2.0
// The archive that reads. It keeps its first error and does nothing after it, so that a description needs no checks
// between its fields. Every length, offset and count is compared with what is really there before anything is
// sliced or allocated. The vocabulary is documented in codec.h.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "smb/wire/bytes.h"
#include "smb/wire/chain.h"
#include "smb/wire/decode_error.h"
#include "smb/wire/endian.h"
#include "smb/wire/types.h"

namespace smb3fuse::wire {

class Decoder {
 public:
  // `base` is the offset of input[0] in the message, or in whatever the structure's offsets count from.
  Decoder(ByteView input, std::size_t base, std::string_view structure)
      : input_(input), base_(base), structure_(structure), offset_base_(static_cast<std::int64_t>(base)) {}

  template <Scalar T>
  void field(const char* name, T& value) {
    if (!need(name, sizeof(T))) return;
    value = load_le<T>(input_.data() + position_);
    position_ += sizeof(T);
  }

  template <std::size_t N>
  void fixed(const char* name, std::array<std::uint8_t, N>& value) {
    if (!need(name, N)) return;
    for (std::size_t i = 0; i < N; ++i) value[i] = input_[position_ + i];
    position_ += N;
  }

  template <Scalar T>
  void reserved() {
    T ignored{};
    field("reserved", ignored);
  }

  template <std::uint16_t Size>
  void structure_size() {
    constant<std::uint16_t>("structure_size", Size, DecodeProblem::bad_structure_size);
  }

  template <std::uint32_t Value>
  void magic(const char* name) {
    constant<std::uint32_t>(name, Value, DecodeProblem::bad_magic);
  }

  void next_entry_offset() { reserved<std::uint32_t>(); }

  template <class T>
  void nested(const char*, T& value) {
    T::describe(*this, value);
  }

  template <Scalar Width, class T>
  void offset_of(const char* name, const T& member) {
    Slot& slot = slot_of(member);
    slot.name = name;
    slot.offset_at = position();
    slot.offset = read<Width>(name);
  }

  template <Scalar Width, class T>
  void length_of(const char* name, const T& member) {
    Slot& slot = slot_of(member);
    slot.length = read<Width>(name);
  }

  template <Scalar Width, std::size_t Max = SIZE_MAX, class T>
  void count_of(const char* name, const T& member) {
    Slot& slot = slot_of(member);
    const std::size_t at = position();
    slot.count = read<Width>(name);
    if (slot.count > Max) fail(name, at, DecodeProblem::too_many);
  }

  // The bytes that follow are at least as many as the field says; that there may be more is the container's affair.
  template <Scalar Width, std::size_t Skip = 0>
  void length_of_rest(const char* name) {
    const std::size_t at = position();
    const std::uint64_t length = read<Width>(name);
    if (ok() && length + Skip > input_.size() - position_) fail(name, at, DecodeProblem::truncated);
  }

  void offsets_from_here() { offset_base_ = -static_cast<std::int64_t>(position_); }

  template <std::size_t Alignment = 1, class T>
  void data(const char* name, T& value) {
    const std::optional<ByteView> bytes = take(name, value);
    if (bytes) assign<Alignment>(name, *bytes, value);
  }

  template <std::size_t Alignment = 1, class T>
  void optional_data(const char* name, T& value) {
    data<Alignment>(name, value);
  }

  // Text that the server may have cut short at the end of the buffer (STATUS_BUFFER_OVERFLOW): what is there.
  void cut_data(const char* name, Utf16View& value) {
    Slot& slot = slot_of(value);
    const std::size_t available = (input_.size() - position_) & ~std::size_t{1};
    if (slot.length && *slot.length > available) slot.length = available;
    data(name, value);
  }

  template <std::size_t Alignment = 1, class T>
  void items(const char* name, std::vector<T>& values) {
    Slot& slot = slot_of(values);
    if (!ok()) return;
    values.clear();
    if (slot.offset && slot.count != 0) {
      if (!within(*slot.offset, 0)) return fail(slot.name, slot.offset_at, DecodeProblem::bad_offset);
      position_ = index_of(*slot.offset);
    }
    // Grows by what has been decoded, never by what the count promises.
    for (std::uint64_t i = 0; i < slot.count && ok(); ++i) {
      align<Alignment>();
      item(name, values);
    }
  }

  template <class T>
  void rest_items(const char* name, std::vector<T>& values) {
    values.clear();
    while (ok() && position_ < input_.size()) item(name, values);
  }

  template <std::size_t Alignment>
  void align() {
    const std::size_t to = aligned_up(position(), Alignment) - base_;
    if (ok() && need("padding", to - position_)) position_ = to;
  }

  template <std::size_t Size>
  void minimum_size() {}
  template <Scalar T>
  void terminator() {}

  bool ok() const { return !error_; }
  const std::optional<DecodeError>& error() const { return error_; }

  // For the codec itself: a failure of a part, found by another decoder.
  void fail(const DecodeError& error) {
    if (!error_) error_ = error;
  }

 private:
  struct Slot {
    const void* key = nullptr;
    const char* name = "";
    std::size_t offset_at = 0;
    std::optional<std::uint64_t> offset;
    std::optional<std::uint64_t> length;
    std::uint64_t count = 0;
  };

  std::size_t position() const { return base_ + position_; }

  void fail(std::string_view name, std::size_t at, DecodeProblem problem) {
    if (!error_) error_ = DecodeError{structure_, name, at, problem};
  }

  bool need(const char* name, std::size_t count) {
    if (error_) return false;
    if (input_.size() - position_ >= count) return true;
    fail(name, position(), DecodeProblem::truncated);
    return false;
  }

  template <Scalar T>
  T read(const char* name) {
    T value{};
    field(name, value);
    return value;
  }

  template <Scalar T>
  void constant(const char* name, T expected, DecodeProblem problem) {
    const std::size_t at = position();
    if (read<T>(name) != expected) fail(name, at, problem);
  }

  // The lengths, offsets and counts of one structure that wait for their data; a description knows its own few.
  Slot& slot_of(const auto& member) {
    for (Slot& slot : slots_) {
      if (slot.key == nullptr) slot.key = &member;
      if (slot.key == &member) return slot;
    }
    assert(false && "more blobs in a structure than slots in the archive");
    return slots_.back();
  }

  // Data lies behind the fixed part and before the end. Offsets have at most 32 bits: nothing overflows here.
  bool within(std::uint64_t offset, std::uint64_t length) const {
    if (static_cast<std::int64_t>(offset) - offset_base_ < static_cast<std::int64_t>(position_)) return false;
    const std::size_t from = index_of(offset);
    return from <= input_.size() && length <= input_.size() - from;
  }

  std::size_t index_of(std::uint64_t offset) const {
    return static_cast<std::size_t>(static_cast<std::int64_t>(offset) - offset_base_);
  }

  std::optional<ByteView> take(const char* name, const auto& member) {
    const Slot slot = slot_of(member);
    if (error_) return std::nullopt;
    if (slot.offset) {
      const std::uint64_t length = slot.length.value_or(0);
      if (length == 0) return ByteView{};  // an absent blob may have any offset
      if (!within(*slot.offset, length)) {
        fail(slot.name, slot.offset_at, DecodeProblem::bad_offset);
        return std::nullopt;
      }
      return input_.subspan(index_of(*slot.offset), static_cast<std::size_t>(length));
    }
    const std::uint64_t length = slot.length.value_or(input_.size() - position_);
    if (length > input_.size() - position_) {
      fail(name, position(), DecodeProblem::truncated);
      return std::nullopt;
    }
    const ByteView bytes = input_.subspan(position_, static_cast<std::size_t>(length));
    position_ += bytes.size();
    return bytes;
  }

  template <std::size_t Alignment>
  void assign(const char*, ByteView bytes, ByteView& value) {
    value = bytes;
  }
  template <std::size_t Alignment>
  void assign(const char*, ByteView bytes, Bytes& value) {
    value.assign(bytes.begin(), bytes.end());
  }
  template <std::size_t Alignment>
  void assign(const char*, ByteView bytes, std::string& value) {
    value.assign(bytes.begin(), bytes.end());
  }
  template <std::size_t Alignment>
  void assign(const char*, ByteView bytes, Payload& value) {
    value = Payload::of(bytes);
  }
  template <std::size_t Alignment>
  void assign(const char* name, ByteView bytes, Utf16View& value) {
    if (bytes.size() % 2 != 0) return fail(name, offset_in_message(bytes), DecodeProblem::bad_length);
    value.bytes = bytes;
  }
  template <std::size_t Alignment>
  void assign(const char* name, ByteView bytes, std::u16string& value) {
    Utf16View text;
    assign<Alignment>(name, bytes, text);
    value.resize(text.size());
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = text[i];
  }
  template <std::size_t Alignment, class T>
  void assign(const char*, ByteView bytes, std::vector<T>& values) {
    values.clear();
    ChainCursor cursor(bytes, Alignment, type_name<T>());
    while (const std::optional<ByteView> entry = cursor.next()) {
      Decoder decoder(*entry, 0, type_name<T>());
      T::describe(decoder, values.emplace_back());
      if (decoder.error()) return fail(relocated(*decoder.error(), *entry));
    }
    if (cursor.error()) fail(relocated(*cursor.error(), bytes));
  }

  template <class T>
  void item(const char* name, std::vector<T>& values) {
    T value{};
    if constexpr (Scalar<T>) {
      field(name, value);
    } else {
      // A description of its own: its blobs need slots of their own.
      Decoder decoder(input_.subspan(position_), position(), type_name<T>());
      T::describe(decoder, value);
      if (decoder.error()) return fail(*decoder.error());
      position_ += decoder.position_;
    }
    if (ok()) values.push_back(std::move(value));
  }

  std::size_t offset_in_message(ByteView part) const {
    return base_ + static_cast<std::size_t>(part.data() - input_.data());
  }

  DecodeError relocated(DecodeError error, ByteView part) const {
    error.offset += offset_in_message(part);
    return error;
  }

  ByteView input_;
  std::size_t base_;
  std::string_view structure_;
  std::int64_t offset_base_;  // offset o stands at input_[o - offset_base_]
  std::size_t position_ = 0;
  std::array<Slot, 4> slots_{};
  std::optional<DecodeError> error_;
};

}  // namespace smb3fuse::wire
