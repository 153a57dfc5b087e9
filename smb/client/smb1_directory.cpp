// SPDX-License-Identifier: Apache-2.0
#include "smb/client/smb1_directory.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "smb/client/smb1_symlink.h"
#include "smb/client/smb1_unix_requests.h"
#include "smb/client/smb2_convert.h"
#include "smb/wire/codec.h"
#include "smb/wire/fscc_directory.h"

namespace smb3fuse::client {

Smb1Directory::Smb1Directory(std::shared_ptr<Smb1Link> link, std::u16string prefix, Attributes attributes,
                             const Smb1Answer& first)
    : prefix_(std::move(prefix)), attributes_(std::move(attributes)) {
  state_->link = std::move(link);
  state_->take_first(first);
}

Smb1Directory::~Smb1Directory() {
  state_->abandoned = true;
  if (!state_->asking) state_->close();
}

void Smb1Directory::State::close() {
  if (std::exchange(ended, true)) return;
  Smb1Link::Flight flight;
  flight.push_back(link->requests.find_close(sid));
  link->channel->submit_close(std::move(flight));
}

void Smb1Directory::State::fail(std::error_code error) {
  ended = true;
  pages.push_back(tl::make_unexpected(error));
}

void Smb1Directory::State::take_first(const Smb1Answer& answer) {
  // Samba 4.17 says so of a directory that even "." may not be seen of.
  if (answer.status == NtStatus::STATUS_NO_SUCH_FILE || answer.status == NtStatus::STATUS_NO_MORE_FILES) {
    ended = true;
    return;
  }
  if (const auto error = error_of(answer)) return fail(error);
  const auto found = wire::decode<cifs::FindFirst2Response>(answer.parameters);
  if (!found) return fail(Smb1Answer::malformed(found.error()));
  sid = found->sid;
  take_entries(answer, found->search_count, found->end_of_search != 0 || found->search_count == 0);
}

void Smb1Directory::State::take_next(const Smb1Answer& answer) {
  if (answer.status == NtStatus::STATUS_NO_MORE_FILES) {
    ended = true;
    return;
  }
  if (const auto error = error_of(answer)) return fail(error);
  const auto found = wire::decode<cifs::FindNext2Response>(answer.parameters);
  if (!found) return fail(Smb1Answer::malformed(found.error()));
  take_entries(answer, found->search_count, found->end_of_search != 0 || found->search_count == 0);
}

void Smb1Directory::State::take_entries(const Smb1Answer& answer, std::size_t count, bool is_last) {
  std::vector<DirectoryEntry> entries;
  const auto take_all = [&](const auto& told, auto attributes) {
    if (!told) return fail(Smb1Answer::malformed(told.error()));
    for (const auto& entry : *told) {
      if (auto name = take_name(entry.file_name)) entries.push_back({std::move(*name), attributes(entry)});
    }
    pages.push_back(std::move(entries));
    if (is_last) ended = true;
  };
  if (link->requests.is_unix()) {
    take_all(cifs::split_unix_entries(answer.data, count, link->requests.character_set().is_unicode()),
             [](const cifs::FindFileUnix& entry) { return attributes_of(entry.basic); });
  } else {
    const auto attributes = [](const cifs::FindFileIdFullDirectoryInfo& entry) {
      return attributes_of(entry.information());
    };
    if (link->requests.lists_ids()) {
      take_all(cifs::split_entries<cifs::FindFileIdFullDirectoryInfo>(answer.data, count), attributes);
    } else {
      take_all(cifs::split_entries<cifs::FindFileFullDirectoryInfo>(answer.data, count), attributes);
    }
  }
}

// Nothing for what is not to be shown.
std::optional<std::string> Smb1Directory::State::take_name(ByteView name) {
  const cifs::CharacterSet& character_set = link->requests.character_set();
  last_name = character_set.quote(name);
  const auto wire_name = character_set.read(name);
  if (!wire_name) {
    spdlog::warn("left out of a listing: a name that is not in the server's character set");
    return std::nullopt;
  }
  if (*wire_name == u"." || *wire_name == u"..") return std::nullopt;
  auto shown = from_wire_name(*wire_name, link->name_mapping);
  if (!shown) {
    spdlog::warn("left out of a listing: a name of {} characters that is not safe to show", wire_name->size());
  }
  return shown;
}

void Smb1Directory::ask() {
  if (state_->ended || state_->asking) return;
  state_->asking = true;
  Smb1Link& link = *state_->link;
  link.exchange(link.requests.find_next(state_->sid, state_->last_name, link.data_size),
                [state = state_](const Smb1Answer& answer) {
                  state->asking = false;
                  state->take_next(answer);
                  if (state->abandoned) return state->close();
                  if (auto waiting = std::exchange(state->waiting, nullptr)) waiting(true);
                });
}

Task<Result<std::vector<DirectoryEntry>>> Smb1Directory::next() {
  for (;;) {
    ask();
    if (state_->pages.empty() && state_->ended) co_return std::vector<DirectoryEntry>();
    if (state_->pages.empty()) {
      auto wait = [this](auto done) { state_->waiting = std::move(done); };
      co_await callback<bool>(wait);
      continue;
    }
    Result<std::vector<DirectoryEntry>> page = std::move(state_->pages.front());
    state_->pages.pop_front();
    if (!page) co_return page;
    co_await read_symlinks(state_->link, prefix_, *page);
    // A page in which nothing was fit to show is not the end.
    if (!page->empty()) co_return page;
  }
}

}  // namespace smb3fuse::client
