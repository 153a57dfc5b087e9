// SPDX-License-Identifier: Apache-2.0
// The known word that a mistyped one was most likely meant to be. Any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace smb3fuse::fs {

// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (optimal string
// alignment distance).
std::size_t edit_distance(std::string_view from, std::string_view to);

// The nearest of `known`, the first of them when several are as near; nothing when none is near enough to be a likely
// slip: more than a third of its letters differ.
std::optional<std::string_view> nearest_word(std::string_view word, std::span<const std::string_view> known);

}  // namespace smb3fuse::fs
