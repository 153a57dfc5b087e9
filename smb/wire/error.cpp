// SPDX-License-Identifier: Apache-2.0
#include "smb/wire/error.h"

namespace smb3fuse::wire {

// A list of its own only in 3.1.1, and counted by a field of the response: not a member of it.
tl::expected<std::vector<ErrorContext>, DecodeError> error_contexts(const ErrorResponse& error) {
  std::vector<ErrorContext> contexts;
  std::size_t at = 0;
  for (unsigned i = 0; i < error.error_context_count; ++i) {
    if (at > error.error_data.size()) {
      return tl::unexpected(DecodeError{type_name<ErrorContext>(), "error_data_length", at, DecodeProblem::truncated});
    }
    tl::expected<ErrorContext, DecodeError> context = decode<ErrorContext>(error.error_data.subspan(at));
    if (!context) {
      context.error().offset += at;
      return tl::unexpected(context.error());
    }
    // [MS-SMB2] 2.2.2.1: each context begins at a multiple of 8.
    at = aligned_up(at + 8 + context->error_context_data.size(), 8);
    contexts.push_back(*context);
  }
  return contexts;
}

tl::expected<SymbolicLinkErrorResponse, DecodeError> symbolic_link_of(const ErrorResponse& error) {
  if (error.error_context_count == 0) return decode<SymbolicLinkErrorResponse>(error.error_data);
  const tl::expected<std::vector<ErrorContext>, DecodeError> contexts = error_contexts(error);
  if (!contexts) return tl::unexpected(contexts.error());
  for (const ErrorContext& context : *contexts) {
    if (context.error_id == ErrorId::default_id) return decode<SymbolicLinkErrorResponse>(context.error_context_data);
  }
  return tl::unexpected(DecodeError{type_name<ErrorContext>(), "error_id", 0, DecodeProblem::truncated});
}

}  // namespace smb3fuse::wire
