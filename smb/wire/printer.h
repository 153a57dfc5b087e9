// SPDX-License-Identifier: Apache-2.0
// The archive that writes a structure as one line of text, for logs and for the differences that tests show:
// "CloseRequest{flags=0x1 file_id={persistent_id=0x5 volatile_id=0x7}}". The vocabulary is documented in codec.h.
//
// Of bytes it shows only the first few: what stands further on may be a file's content or an answer to a challenge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "smb/status.h"
#include "smb/wire/bytes.h"
#include "smb/wire/endian.h"
#include "smb/wire/types.h"

namespace smb3fuse::wire {

class Printer {
 public:
  static constexpr std::size_t kBytesShown = 16;

  explicit Printer(std::string& out) : out_(out) {}

  template <Scalar T>
  void field(const char* name, const T& value) {
    begin(name);
    scalar(value);
  }

  template <std::size_t N>
  void fixed(const char* name, const std::array<std::uint8_t, N>& value) {
    begin(name);
    bytes(value);
  }

  template <Scalar T>
  void reserved() {}
  template <std::uint16_t Size>
  void structure_size() {}
  template <std::uint32_t Value>
  void magic(const char*) {}
  void next_entry_offset() {}

  template <class T>
  void nested(const char* name, const T& value) {
    begin(name);
    structure(value);
  }

  template <Scalar Width, class T>
  void offset_of(const char*, const T&) {}
  template <Scalar Width, class T>
  void length_of(const char*, const T&) {}
  template <Scalar Width, std::size_t Max = SIZE_MAX, class T>
  void count_of(const char*, const T&) {}
  template <Scalar Width, std::size_t Skip = 0>
  void length_of_rest(const char*) {}
  void offsets_from_here() {}

  template <std::size_t Alignment = 1, class T>
  void data(const char* name, const T& value) {
    begin(name);
    show(value);
  }
  template <std::size_t Alignment = 1, class T>
  void optional_data(const char* name, const T& value) {
    data(name, value);
  }
  void cut_data(const char* name, const Utf16View& value) { data(name, value); }

  template <std::size_t Alignment = 1, class T>
  void items(const char* name, const std::vector<T>& values) {
    data(name, values);
  }
  template <class T>
  void rest_items(const char* name, const std::vector<T>& values) {
    data(name, values);
  }

  template <std::size_t Alignment>
  void align() {}
  template <std::size_t Size>
  void minimum_size() {}
  template <Scalar T>
  void terminator() {}

  template <class T>
  void structure(const T& value) {
    out_ += '{';
    separate_ = false;
    T::describe(*this, value);
    out_ += '}';
    separate_ = true;
  }

 private:
  void begin(std::string_view name) {
    if (separate_) out_ += ' ';
    separate_ = true;
    out_.append(name) += '=';
  }

  template <Scalar T>
  void scalar(T value) {
    if constexpr (std::is_same_v<T, NtStatus>) {
      out_ += name_of(value);
    } else {
      number(static_cast<std::uint64_t>(value));
    }
  }

  void show(ByteView value) { bytes(value); }
  void show(const Bytes& value) { bytes(value); }
  void show(const Utf16View& value);
  void show(const std::string& value);
  void show(const std::u16string& value);
  void show(const Payload& value);
  template <class T>
  void show(const std::vector<T>& values) {
    out_ += '[';
    for (const T& value : values) {
      if (&value != values.data()) out_ += ' ';
      if constexpr (Scalar<T>) {
        scalar(value);
      } else {
        structure(value);
      }
    }
    out_ += ']';
  }

  void number(std::uint64_t value);
  void bytes(ByteView value);
  void character(char32_t c);

  std::string& out_;
  bool separate_ = false;
};

// T{field=value ...}
template <class T>
std::string print(const T& value) {
  std::string out(type_name<T>());
  Printer printer(out);
  printer.structure(value);
  return out;
}

}  // namespace smb3fuse::wire
