// SPDX-License-Identifier: Apache-2.0
// What lint/clang_tidy must find; it belongs to no program.
#include <cstddef>
#include <string>
#include <utility>

std::size_t use_after_move(std::string text) {
  const std::string moved = std::move(text);
  return moved.size() + text.size();
}
