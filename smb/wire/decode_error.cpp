// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/decode_error.h"

namespace smb3fuse::wire {

std::string_view to_string(DecodeProblem problem) {
  switch (problem) {
    case DecodeProblem::truncated:
      return "truncated";
    case DecodeProblem::bad_magic:
      return "not the protocol's identifier";
    case DecodeProblem::bad_structure_size:
      return "wrong structure size";
    case DecodeProblem::bad_offset:
      return "offset outside the data";
    case DecodeProblem::bad_length:
      return "impossible length";
    case DecodeProblem::too_many:
      return "too many entries";
  }
  return "malformed";
}

std::string to_string(const DecodeError& error) {
  std::string text(error.structure);
  text.append(".").append(error.field).append(" at offset ").append(std::to_string(error.offset)).append(": ");
  return text.append(to_string(error.problem));
}

}  // namespace smb3fuse::wire
