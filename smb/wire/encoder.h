// SPDX-License-Identifier: Apache-2.0
// The archives that write: Encoder appends to a buffer, SizeCounter only counts what Encoder would append. The
// vocabulary is documented in codec.h.
//
// A length or count that does not fit its field is a mistake of our own, and asserted: callers bound names and tokens.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "smb/wire/bytes.h"
#include "smb/wire/endian.h"
#include "smb/wire/types.h"

namespace smb3fuse::wire {

// Where encoded bytes go: the end of a buffer that somebody else owns.
class ByteSink {
 public:
  explicit ByteSink(Bytes& out) : out_(&out), start_(out.size()) {}

  std::size_t size() const { return out_->size() - start_; }
  void append(ByteView bytes) { out_->insert(out_->end(), bytes.begin(), bytes.end()); }
  void append_zeros(std::size_t count) { out_->insert(out_->end(), count, std::uint8_t{0}); }
  template <Scalar T>
  void append_scalar(T value) {
    const std::size_t at = out_->size();
    out_->resize(at + sizeof(T));
    store_le(out_->data() + at, value);
  }
  template <Scalar T>
  void patch(std::size_t at, T value) {
    store_le(out_->data() + start_ + at, value);
  }

 private:
  Bytes* out_;
  std::size_t start_;
};

class CountingSink {
 public:
  std::size_t size() const { return size_; }
  void append(ByteView bytes) { size_ += bytes.size(); }
  void append_zeros(std::size_t count) { size_ += count; }
  template <Scalar T>
  void append_scalar(T) {
    size_ += sizeof(T);
  }
  template <Scalar T>
  void patch(std::size_t, T) {}

 private:
  std::size_t size_ = 0;
};

template <class Sink>
class BasicEncoder {
 public:
  // `base` is the offset that the first byte will have in the message. `sink` lives longer than the encoder.
  BasicEncoder(Sink& sink, std::size_t base)
      : sink_(sink), start_(sink.size()), base_(base), offset_base_(static_cast<std::int64_t>(base)) {}

  template <Scalar T>
  void field(const char*, const T& value) {
    sink_.append_scalar(value);
  }

  template <std::size_t N>
  void fixed(const char*, const std::array<std::uint8_t, N>& value) {
    sink_.append(value);
  }

  template <Scalar T>
  void reserved() {
    sink_.append_zeros(sizeof(T));
  }

  template <std::uint16_t Size>
  void structure_size() {
    sink_.append_scalar(Size);
  }

  template <std::uint32_t Value>
  void magic(const char*) {
    sink_.append_scalar(Value);
  }

  void next_entry_offset() { reserved<std::uint32_t>(); }

  template <class T>
  void nested(const char*, const T& value) {
    T::describe(*this, value);
  }

  template <Scalar Width, class T>
  void offset_of(const char*, const T& member) {
    slot_of(member).offset = placeholder<Width>();
  }

  template <Scalar Width, class T>
  void length_of(const char*, const T& member) {
    slot_of(member).length = placeholder<Width>();
  }

  template <Scalar Width, std::size_t Max = SIZE_MAX, class T>
  void count_of(const char*, const std::vector<T>& values) {
    assert(values.size() <= Max && values.size() <= std::numeric_limits<Width>::max());
    sink_.append_scalar(static_cast<Width>(values.size()));
  }

  template <Scalar Width, std::size_t Skip = 0>
  void length_of_rest(const char*) {
    for (std::optional<Hole>& hole : rests_) {
      if (hole) continue;
      hole = placeholder<Width>();
      hole->skip = Skip;
      return;
    }
    assert(false && "more lengths of the rest than the archive keeps");
  }

  void offsets_from_here() { offset_base_ = -static_cast<std::int64_t>(size()); }

  template <std::size_t Alignment = 1, class T>
  void data(const char*, const T& value) {
    align<Alignment>();
    place<Alignment>(value);
  }

  template <std::size_t Alignment = 1, class T>
  void optional_data(const char* name, const T& value) {
    if (!is_empty(value)) data<Alignment>(name, value);
  }

  void cut_data(const char* name, const Utf16View& value) { data(name, value); }

  template <std::size_t Alignment = 1, class T>
  void items(const char*, const std::vector<T>& values) {
    if (!values.empty()) align<Alignment>();
    const Slot& slot = slot_of(values);
    if (slot.offset && !values.empty()) fill(*slot.offset, offset_here());
    for (const T& value : values) {
      align<Alignment>();
      item(value);
    }
  }

  template <class T>
  void rest_items(const char*, const std::vector<T>& values) {
    for (const T& value : values) item(value);
  }

  template <std::size_t Alignment>
  void align() {
    const std::size_t position = base_ + size();
    sink_.append_zeros(aligned_up(position, Alignment) - position);
  }

  template <std::size_t Size>
  void minimum_size() {
    if (size() < Size) sink_.append_zeros(Size - size());
  }

  template <Scalar T>
  void terminator() {
    sink_.append_zeros(sizeof(T));
  }

  // After the description: fills in what counts to the end.
  void finish() {
    for (const std::optional<Hole>& hole : rests_) {
      if (hole) fill(*hole, size() - hole->at - hole->width - hole->skip);
    }
  }

 private:
  // A field that is written when its value is known.
  struct Hole {
    std::size_t at = 0;  // from start_
    std::size_t width = 0;
    std::size_t skip = 0;
  };
  struct Slot {
    const void* key = nullptr;
    std::optional<Hole> offset;
    std::optional<Hole> length;
  };

  std::size_t size() const { return sink_.size() - start_; }
  std::uint64_t offset_here() const {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(size()) + offset_base_);
  }

  template <Scalar Width>
  Hole placeholder() {
    const Hole hole{size(), sizeof(Width), 0};
    sink_.append_zeros(sizeof(Width));
    return hole;
  }

  void fill(const Hole& hole, std::uint64_t value) {
    assert(hole.width == 8 || value >> (8 * hole.width) == 0);
    const std::size_t at = start_ + hole.at;
    switch (hole.width) {
      case 1:
        return sink_.patch(at, static_cast<std::uint8_t>(value));
      case 2:
        return sink_.patch(at, static_cast<std::uint16_t>(value));
      default:
        return sink_.patch(at, static_cast<std::uint32_t>(value));
    }
  }

  Slot& slot_of(const auto& member) {
    for (Slot& slot : slots_) {
      if (slot.key == nullptr) slot.key = &member;
      if (slot.key == &member) return slot;
    }
    assert(false && "more blobs in a structure than slots in the archive");
    return slots_.back();
  }

  static bool is_empty(const Payload& value) { return value.length == 0; }
  static bool is_empty(const auto& value) { return value.empty(); }

  template <std::size_t Alignment>
  void place(const auto& value) {
    const Slot& slot = slot_of(value);
    const std::size_t from = size();
    if (slot.offset) fill(*slot.offset, offset_here());
    const std::size_t to_follow = write<Alignment>(value);
    if (slot.length) fill(*slot.length, size() - from + to_follow);
  }

  // Each returns how many bytes more the sender will add.
  template <std::size_t Alignment>
  std::size_t write(ByteView value) {
    sink_.append(value);
    return 0;
  }
  template <std::size_t Alignment>
  std::size_t write(const Bytes& value) {
    return write<Alignment>(ByteView(value));
  }
  template <std::size_t Alignment>
  std::size_t write(const Utf16View& value) {
    return write<Alignment>(value.bytes);
  }
  template <std::size_t Alignment>
  std::size_t write(const std::string& value) {
    for (const char c : value) sink_.append_scalar(c);
    return 0;
  }
  template <std::size_t Alignment>
  std::size_t write(const std::u16string& value) {
    for (const char16_t c : value) sink_.append_scalar(c);
    return 0;
  }
  template <std::size_t Alignment>
  std::size_t write(const Payload& value) {
    assert(value.bytes.empty() || value.bytes.size() == value.length);
    sink_.append(value.bytes);
    return value.length - value.bytes.size();
  }
  template <std::size_t Alignment, class T>
  std::size_t write(const std::vector<T>& chain) {
    std::size_t previous = size();
    for (const T& value : chain) {
      const std::size_t from = size();
      const std::size_t pad = aligned_up(base_ + from, Alignment) - (base_ + from);
      if (&value != &chain.front()) {
        sink_.append_zeros(pad);
        sink_.patch(start_ + previous, static_cast<std::uint32_t>(size() - previous));
      }
      previous = size();
      entry(value, 0);
    }
    return 0;
  }

  void item(const auto& value) {
    if constexpr (Scalar<std::remove_cvref_t<decltype(value)>>) {
      sink_.append_scalar(value);
    } else {
      entry(value, base_ + size());
    }
  }

  template <class T>
  void entry(const T& value, std::size_t base) {
    BasicEncoder encoder(sink_, base);
    T::describe(encoder, value);
    encoder.finish();
  }

  Sink& sink_;
  std::size_t start_;
  std::size_t base_;
  std::int64_t offset_base_;  // what stands at start_ + i has the offset i + offset_base_
  std::array<Slot, 4> slots_{};
  std::array<std::optional<Hole>, 2> rests_{};
};

using Encoder = BasicEncoder<ByteSink>;
using SizeCounter = BasicEncoder<CountingSink>;

}  // namespace smb3fuse::wire
