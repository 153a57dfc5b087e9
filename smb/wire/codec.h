// SPDX-License-Identifier: Apache-2.0
// The codec: one description a structure, several archives that interpret it.
//
//   // [MS-SMB2] 2.2.15
//   struct CloseRequest {
//     static constexpr Command kCommand = Command::close;  // a message's body: offsets count from its SMB2 header
//     std::uint16_t flags = 0;
//     FileId file_id;
//
//     template <class Archive, class Self>
//     static void describe(Archive& a, Self& m) {
//       a.template structure_size<24>();
//       a.field("flags", m.flags);
//       a.template reserved<std::uint32_t>();
//       a.nested("file_id", m.file_id);
//     }
//   };
//
// Archives: Encoder, SizeCounter (encoder.h), Decoder (decoder.h), Printer (printer.h). A description is written in
// wire order with these words:
//
//   field(name, x)                    an integer, enumeration or bool, little-endian
//   fixed(name, x)                    std::array of bytes
//   reserved<T>()                     zero when written, ignored when read
//   structure_size<N>(), magic<V>(n)  a constant of 16 or 32 bits, checked when read
//   nested(name, x)                   another structure, in place
//   next_entry_offset()               the first field of a chain's entry (chain.h)
//   offset_of<W>(name, x)             a field that says where the data of member x stands,
//   length_of<W>(name, x)             how many bytes it has,
//   count_of<W>(name, x)              or how many items; none of them is a member: x itself knows
//   data<Align = 1>(name, x)          the data: where its offset says, else here; as long as its length says, else to
//                                     the end; a std::vector of structures is a chain. When written, it goes to the
//                                     next aligned place, and the fields above are filled in
//   optional_data<Align = 1>(name, x) the same, but empty data is written with offset 0
//   cut_data(name, x)                 the same for text that a server may cut short at the end
//   items<Align = 1>(name, x)         counted items, each aligned
//   rest_items(name, x)               items to the end
//   length_of_rest<W, Skip>(name)     the length of all that follows, without the next Skip bytes
//   offsets_from_here()               from now on offsets count from this place
//   align<N>()                        padding to a multiple of N in the message
//   minimum_size<N>(), terminator<T>() zeros that are written, and neither demanded nor skipped when read
//
// Decoded views look into the input and live as long as it. Encoding reads views at once and keeps none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>
#include <type_traits>

#include "smb/wire/bytes.h"
#include "smb/wire/chain.h"
#include "smb/wire/decode_error.h"
#include "smb/wire/decoder.h"
#include "smb/wire/encoder.h"
#include "smb/wire/printer.h"
#include "smb/wire/types.h"

namespace smb3fuse::wire {

// `base` is the offset of input[0] from where T's offsets count: 64 for the body of an SMB2 message, else 0.
// Bytes behind the structure are not an error: messages are padded, and later dialects extend structures.
template <class T>
tl::expected<T, DecodeError> decode(ByteView input, std::size_t base = kBaseOf<T>) {
  tl::expected<T, DecodeError> result;
  Decoder decoder(input, base, type_name<T>());
  T::describe(decoder, *result);
  if (decoder.error()) result = tl::unexpected(*decoder.error());
  return result;
}

template <class T>
void encode_to(Bytes& out, const T& value, std::size_t base = kBaseOf<T>) {
  ByteSink sink(out);
  Encoder encoder(sink, base);
  T::describe(encoder, value);
  encoder.finish();
}

// How many bytes encode_to() appends. A Payload that is to follow is not counted.
template <class T>
std::size_t encoded_size(const T& value, std::size_t base = kBaseOf<T>) {
  CountingSink sink;
  SizeCounter counter(sink, base);
  T::describe(counter, value);
  return sink.size();
}

template <class T>
Bytes encode(const T& value, std::size_t base = kBaseOf<T>) {
  Bytes out;
  out.reserve(encoded_size(value, base));
  encode_to(out, value, base);
  return out;
}

// Counts like SizeCounter until it comes by `wanted`.
template <class Member>
class NestedFinder : public SizeCounter {
 public:
  NestedFinder(CountingSink& sink, const Member& wanted) : SizeCounter(sink, 0), sink_(sink), wanted_(wanted) {}

  void nested(const char* name, const auto& member) {
    if (static_cast<const void*>(&member) == &wanted_) found_ = sink_.size();
    SizeCounter::nested(name, member);
  }
  std::size_t found() const { return found_; }

 private:
  CountingSink& sink_;
  const Member& wanted_;
  std::size_t found_ = 0;
};

// Where in encode(value) the bytes of its nested() `member` stand.
template <class T, class Member>
std::size_t offset_of_nested(const T& value, const Member& member) {
  CountingSink sink;
  NestedFinder<Member> finder(sink, member);
  T::describe(finder, value);
  return finder.found();
}

// Walks a buffer of chained T, such as a directory listing, without decoding more than is asked for:
//
//   ChainReader<FileIdFullDirectoryInformation> entries(buffer);
//   while (const auto entry = entries.next()) ...
//   if (entries.error()) ...
//
// The entries' views look into `chain`.
template <class T>
class ChainReader {
 public:
  static constexpr std::size_t kAlignment = T::kChainAlignment;

  explicit ChainReader(ByteView chain) : chain_(chain), cursor_(chain, kAlignment, type_name<T>()) {}

  // Nothing at the end and at the first error, from then on for ever.
  std::optional<T> next() {
    if (error_) return std::nullopt;
    const std::optional<ByteView> bytes = cursor_.next();
    error_ = cursor_.error();
    if (!bytes) return std::nullopt;
    tl::expected<T, DecodeError> entry = decode<T>(*bytes);
    if (entry) return *entry;
    error_ = entry.error();
    error_->offset += static_cast<std::size_t>(bytes->data() - chain_.data());
    return std::nullopt;
  }

  const std::optional<DecodeError>& error() const { return error_; }

 private:
  ByteView chain_;
  ChainCursor cursor_;
  std::optional<DecodeError> error_;
};

// Calls `visit` with each entry in turn; stops early when it returns false.
template <class T, class Visit>
tl::expected<void, DecodeError> for_each_entry(ByteView chain, Visit&& visit) {
  ChainReader<T> reader(chain);
  while (const std::optional<T> entry = reader.next()) {
    if constexpr (std::is_same_v<decltype(visit(*entry)), bool>) {
      if (!visit(*entry)) return {};
    } else {
      visit(*entry);
    }
  }
  if (reader.error()) return tl::unexpected(*reader.error());
  return {};
}

// Appends one entry to a chain that holds `previous` as the offset of its last entry (nothing for an empty chain),
// and returns the new entry's offset. For whoever fills a buffer entry by entry up to a limit.
template <class T>
std::size_t append_entry(Bytes& chain, std::optional<std::size_t> previous, const T& entry) {
  chain.resize(aligned_up(chain.size(), T::kChainAlignment));
  const std::size_t at = chain.size();
  if (previous) store_le(chain.data() + *previous, static_cast<std::uint32_t>(at - *previous));
  encode_to(chain, entry);
  return at;
}

}  // namespace smb3fuse::wire
