// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_symlink.h"

#include <algorithm>

#include "smb/client/mfsymlink.h"
#include "smb/client/smb2_open.h"
#include "smb/wire/codec.h"
#include "smb/wire/ioctl.h"
#include "smb/wire/reparse.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

constexpr std::uint32_t kReparseBuffer = 16384;  // [MS-FSCC] 2.1.2.2: the largest reparse data buffer

bool is_native_symlink(const Attributes& attributes) {
  return (attributes.file_attributes & file_attribute::reparse_point) != 0;
}

Smb2Link::Chain probe(const Smb2Link& link, const std::u16string& path, const Attributes& attributes) {
  const bool native = is_native_symlink(attributes);
  CreateParameters parameters;
  parameters.path = path;
  parameters.desired_access = native ? wire::FILE_READ_ATTRIBUTES : wire::FILE_READ_DATA | wire::FILE_READ_ATTRIBUTES;
  const wire::FileId previous = wire::FileId::of_previous();
  Smb2Link::Chain chain;
  chain.push_back(link.requests.create(parameters));
  chain.push_back(native ? link.requests.control(previous, wire::FSCTL_GET_REPARSE_POINT, {}, kReparseBuffer)
                         : link.requests.read(previous, 0, kMfSymlinkSize));
  chain.push_back(link.requests.close(previous));
  return chain;
}

// [MS-FSCC] 2.1.2.4. A relative link has '\' between its parts; an absolute one names a Windows volume, which is
// nowhere here: it is shown as it is, and leads nowhere.
std::optional<std::string> target_of_reparse_point(const Answer& answer) {
  if (is_error(answer.status)) return std::nullopt;
  const auto response = wire::decode<wire::IoctlResponse>(answer.body);
  if (!response) return std::nullopt;
  const auto link = wire::decode<wire::SymbolicLinkReparseDataBuffer>(response->output);
  if (!link) return std::nullopt;
  auto target = wire::to_utf8(link->print_name.empty() ? link->substitute_name : link->print_name);
  if (!target || target->empty() || target->find('\0') != target->npos) return std::nullopt;
  std::replace(target->begin(), target->end(), '\\', '/');
  return std::move(*target);
}

void take_target(const Smb2Link::Answers& answers, Attributes& attributes) {
  if (is_native_symlink(attributes)) {
    attributes.symlink_target = target_of_reparse_point(answers[1]);
  } else if (const auto data = data_of_read(answers[1])) {
    attributes.symlink_target = decode_mfsymlink(*data);
  }
}

}  // namespace

bool may_be_symlink(const Attributes& attributes) {
  if (is_native_symlink(attributes)) {
    return attributes.reparse_tag == 0 || attributes.reparse_tag == wire::IO_REPARSE_TAG_SYMLINK;
  }
  return !attributes.is_directory() && attributes.end_of_file == kMfSymlinkSize;
}

Task<void> read_symlink(std::shared_ptr<Smb2Link> link, std::u16string path, Attributes& attributes) {
  if (!may_be_symlink(attributes)) co_return;
  // A link whose probe was cut short would be taken for a file.
  auto probing = uninterrupted(link->exchange_and_close(probe(*link, path, attributes)));
  const Smb2Link::Answers answers = co_await std::move(probing);
  take_target(answers, attributes);
}

Task<void> read_symlinks(std::shared_ptr<Smb2Link> link, std::u16string prefix, std::vector<DirectoryEntry>& entries) {
  std::vector<DirectoryEntry*> candidates;
  for (DirectoryEntry& entry : entries) {
    if (may_be_symlink(entry.attributes)) candidates.push_back(&entry);
  }
  if (candidates.empty()) co_return;
  auto probe_all = [&](auto done) {
    auto missing = std::make_shared<std::size_t>(candidates.size());
    for (DirectoryEntry* entry : candidates) {
      const auto name = to_wire_path(entry->name, link->name_mapping);
      // The name came from the wire, so it has a way back.
      link->exchange_and_close(probe(*link, prefix + name.value_or(u""), entry->attributes),
                               [entry, missing, done](Smb2Link::Answers answers) {
                                 take_target(answers, entry->attributes);
                                 if (--*missing == 0) done(true);
                               });
    }
  };
  co_await callback<bool>(probe_all);
}

}  // namespace smb3fuse::client
