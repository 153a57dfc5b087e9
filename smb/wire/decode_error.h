// SPDX-License-Identifier: Apache-2.0
// What was wrong with bytes that a peer sent, precisely enough for one log line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smb3fuse::wire {

enum class DecodeProblem {
  truncated,           // a field or its data reaches past the end
  bad_magic,           // not the protocol identifier
  bad_structure_size,  // StructureSize is not the constant of this structure
  bad_offset,          // an offset points into the fixed part or past the end, or a chain is unaligned
  bad_length,          // an odd number of bytes of UTF-16, or a length that contradicts another
  too_many,            // more entries than anybody needs
};

struct DecodeError {
  std::string_view structure;  // static storage, as is `field`
  std::string_view field;
  std::size_t offset = 0;  // of the field, from the start of the message (the SMB2 header) or of the buffer
  DecodeProblem problem = DecodeProblem::truncated;

  friend bool operator==(const DecodeError&, const DecodeError&) = default;
};

std::string_view to_string(DecodeProblem problem);

// "CreateResponse.file_id at offset 128: truncated"
std::string to_string(const DecodeError& error);

}  // namespace smb3fuse::wire
