// SPDX-License-Identifier: Apache-2.0
// What is wrong with the command's input, told to the person who typed it: one sentence without the program's name,
// without a full stop and never with a secret in it. Any thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace smb3fuse::fs {

struct InputError {
  std::string sentence;
};

template <class T>
using Checked = tl::expected<T, InputError>;

inline tl::unexpected<InputError> refused(std::string sentence) {
  return tl::make_unexpected(InputError{std::move(sentence)});
}

}  // namespace smb3fuse::fs
