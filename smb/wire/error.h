// SPDX-License-Identifier: Apache-2.0
// [MS-SMB2] 2.2.2: the ERROR response, which any command may get.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "smb/wire/codec.h"
#include "smb/wire/header.h"
#include "smb/wire/reparse.h"

namespace smb3fuse::wire {

inline constexpr std::uint16_t kErrorStructureSize = 9;

// [MS-SMB2] 2.2.2. `error_data` is a view: in 3.1.1 `error_context_count` contexts (ErrorContexts), in older dialects
// what the status calls for, as it is.
struct ErrorResponse {
  std::uint8_t error_context_count = 0;
  ByteView error_data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template structure_size<kErrorStructureSize>();
    a.field("error_context_count", m.error_context_count);
    a.template reserved<std::uint8_t>();
    a.template length_of<std::uint32_t>("byte_count", m.error_data);
    a.data("error_data", m.error_data);
    a.template minimum_size<9>();  // [MS-SMB2] 2.2.2 ErrorData: one byte when there is none
  }
};

enum class ErrorId : std::uint32_t { default_id = 0, share_redirect = 0x72645253 };

// [MS-SMB2] 2.2.2.1 SMB2 ERROR Context
struct ErrorContext {
  ErrorId error_id = ErrorId::default_id;
  ByteView error_context_data;

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template length_of<std::uint32_t>("error_data_length", m.error_context_data);
    a.field("error_id", m.error_id);
    a.data("error_context_data", m.error_context_data);
  }
};

// The contexts in the data of an error with `error_context_count` of them. Views into `error.error_data`.
tl::expected<std::vector<ErrorContext>, DecodeError> error_contexts(const ErrorResponse& error);

// [MS-SMB2] 2.2.2.2.1 Symbolic Link Error Response: what STATUS_STOPPED_ON_SYMLINK carries.
struct SymbolicLinkErrorResponse {
  static constexpr std::uint32_t kSymLinkErrorTag = 0x4C4D5953;
  std::uint16_t unparsed_path_length = 0;  // bytes of the name behind the link that the server did not walk
  std::u16string substitute_name;
  std::u16string print_name;
  std::uint32_t flags = 0;  // SYMLINK_FLAG_RELATIVE

  template <class Archive, class Self>
  static void describe(Archive& a, Self& m) {
    a.template length_of_rest<std::uint32_t>("sym_link_length");
    a.template magic<kSymLinkErrorTag>("sym_link_error_tag");
    a.template magic<IO_REPARSE_TAG_SYMLINK>("reparse_tag");
    a.template length_of_rest<std::uint16_t, sizeof(std::uint16_t)>("reparse_data_length");
    a.field("unparsed_path_length", m.unparsed_path_length);
    describe_symbolic_link(a, m);
  }
};

// The link in the data of an error, with or without contexts around it; an error if it holds none.
tl::expected<SymbolicLinkErrorResponse, DecodeError> symbolic_link_of(const ErrorResponse& error);

}  // namespace smb3fuse::wire
