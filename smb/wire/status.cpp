// SPDX-License-Identifier: Apache-2.0
#include "smb/status.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace smb3fuse {
namespace {

struct Row {
  NtStatus status;
  std::string_view name;
  std::string_view text;
};

constexpr auto kRows = [] {
  std::array rows = std::to_array<Row>({
#define SMB3FUSE_NTSTATUS(name, value, text) {NtStatus::name, #name, text},
#include "smb/ntstatus.def"
#undef SMB3FUSE_NTSTATUS
  });
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.status < b.status; });
  return rows;
}();

static_assert(std::adjacent_find(kRows.begin(), kRows.end(),
                                 [](const Row& a, const Row& b) { return a.status == b.status; }) == kRows.end(),
              "two rows of ntstatus.def have one value");

const Row* row_of(NtStatus status) {
  const auto row =
      std::lower_bound(kRows.begin(), kRows.end(), status, [](const Row& r, NtStatus s) { return r.status < s; });
  return row != kRows.end() && row->status == status ? &*row : nullptr;
}

class NtStatusCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "ntstatus"; }

  // "access denied (STATUS_ACCESS_DENIED)"
  std::string message(int value) const override {
    const auto status = static_cast<NtStatus>(value);
    const std::string_view text = text_of(status);
    if (text.empty()) return name_of(status);
    return std::string(text).append(" (").append(name_of(status)).append(")");
  }
};

}  // namespace

std::string name_of(NtStatus status) {
  if (const Row* row = row_of(status)) return std::string(row->name);
  char text[sizeof("NTSTATUS 0x00000000")];
  std::snprintf(text, sizeof text, "NTSTATUS 0x%08X", static_cast<unsigned>(status));
  return text;
}

std::string_view text_of(NtStatus status) {
  const Row* row = row_of(status);
  return row != nullptr ? row->text : std::string_view();
}

const std::error_category& nt_status_category() noexcept {
  static const NtStatusCategory category;
  return category;
}

NtStatus nt_status_of(const std::error_code& error) noexcept {
  if (!error) return NtStatus::STATUS_SUCCESS;
  if (error.category() != nt_status_category()) return NtStatus::STATUS_UNSUCCESSFUL;
  return static_cast<NtStatus>(error.value());
}

}  // namespace smb3fuse
