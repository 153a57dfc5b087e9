// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb2_directory.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "smb/client/smb2_convert.h"
#include "smb/client/smb2_symlink.h"
#include "smb/wire/codec.h"
#include "smb/wire/query_directory.h"
#include "smb/wire/utf16.h"

namespace smb3fuse::client {
namespace {

constexpr std::uint32_t kPage = 1u << 20;  // about 8,000 entries

Result<std::vector<DirectoryEntry>> entries_of(const Answer& answer, NameMapping mapping) {
  const auto response = wire::decode<wire::QueryDirectoryResponse>(answer.body);
  if (!response) return tl::make_unexpected(malformed(response.error()));
  std::vector<DirectoryEntry> entries;
  wire::ChainReader<wire::FileIdFullDirectoryInformation> reader(response->output_buffer);
  while (const auto entry = reader.next()) {
    const std::u16string wire_name = wire::to_u16string(entry->file_name);
    if (wire_name == u"." || wire_name == u"..") continue;
    auto name = from_wire_name(wire_name, mapping);
    if (!name) {
      spdlog::warn("left out of a listing: a name of {} characters that is not safe to show", wire_name.size());
      continue;
    }
    entries.push_back({std::move(*name), attributes_of(*entry)});
  }
  if (reader.error()) return tl::make_unexpected(malformed(*reader.error()));
  return entries;
}

}  // namespace

std::uint32_t Smb2Directory::largest_page(const Smb2Link& link) { return std::min(kPage, link.transact_size); }
std::uint32_t Smb2Directory::page_size(const Smb2Link& link) { return link.affordable(largest_page(link)); }

Smb2Directory::Smb2Directory(std::shared_ptr<Smb2Link> link, wire::FileId file_id, std::u16string prefix,
                             Attributes attributes)
    : link_(std::move(link)), file_id_(file_id), prefix_(std::move(prefix)), attributes_(std::move(attributes)) {
  state_->name_mapping = link_->name_mapping;
}

Smb2Directory::~Smb2Directory() { link_->close_later(file_id_); }

void Smb2Directory::State::take(const Answer& answer) {
  if (ended) return;
  if (answer.status == NtStatus::STATUS_NO_MORE_FILES || answer.status == NtStatus::STATUS_NO_SUCH_FILE) {
    ended = true;
  } else if (is_error(answer.status)) {
    ended = true;
    pages.push_back(tl::make_unexpected(make_error_code(answer.status)));
  } else {
    pages.push_back(entries_of(answer, name_mapping));
    ended = !pages.back();
  }
}

void Smb2Directory::query() {
  if (state_->ended || state_->querying) return;
  state_->querying = true;
  Smb2Link::Chain chain;
  chain.push_back(link_->requests.query_directory(file_id_, page_size(*link_)));
  link_->exchange(std::move(chain), [state = state_](Smb2Link::Answers answers) {
    state->querying = false;
    state->take(answers.front());
    if (auto waiting = std::exchange(state->waiting, nullptr)) waiting(true);
  });
}

Task<Result<std::vector<DirectoryEntry>>> Smb2Directory::next() {
  for (;;) {
    query();
    if (state_->pages.empty() && state_->ended) co_return std::vector<DirectoryEntry>();
    if (state_->pages.empty()) {
      auto wait = [this](auto done) { state_->waiting = std::move(done); };
      co_await callback<bool>(wait);
      continue;
    }
    Result<std::vector<DirectoryEntry>> page = std::move(state_->pages.front());
    state_->pages.pop_front();
    if (!page) co_return page;
    co_await read_symlinks(link_, prefix_, *page);
    // A page in which nothing was fit to show is not the end.
    if (!page->empty()) co_return page;
  }
}

}  // namespace smb3fuse::client
