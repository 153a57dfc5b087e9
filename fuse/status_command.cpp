// SPDX-License-Identifier: Apache-2.0
#include "fuse/status_command.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "fuse/control_client.h"
#include "fuse/control_folder.h"
#include "fuse/status_report.h"

namespace smb3fuse::fs {

namespace {

constexpr std::chrono::seconds kPatience{3};

bool is_fuse(const MountEntry& entry) { return entry.type == "fuse" || entry.type.starts_with("fuse."); }

std::string name_of(uid_t user) {
  const passwd* const known = getpwuid(user);
  return known != nullptr ? fmt::format("user {}", known->pw_name) : fmt::format("the user with the number {}", user);
}

// Symbolic links are followed up to the last name, of which it is only asked whether it is one: a mount there is not
// disturbed (glibc 2.33 and later ask by readlink(2)).
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  return real == nullptr ? path : real.get();
}

const MountEntry* mount_above(const std::vector<MountEntry>& table, std::filesystem::path path) {
  while (path.has_relative_path()) {
    path = path.parent_path();
    const MountEntry* const found = find_mount(table, path.native());
    if (found != nullptr && found->type == kMountType) return found;
  }
  return nullptr;
}

std::string sentence_of(ControlError error, const MountEntry& entry) {
  switch (error) {
    case ControlError::missing:
      return entry.type == kMountType
                 ? fmt::format("nobody serves {} any more, or its control socket was removed", entry.mountpoint)
                 : fmt::format("{} is not mounted by smb3fuse", entry.mountpoint);
    case ControlError::forbidden:
      return fmt::format("the control socket of {} may not be used by you", entry.mountpoint);
    case ControlError::stranger:
      return fmt::format("the control socket of {} is not that of its owner", entry.mountpoint);
    case ControlError::silent:
      return fmt::format("the daemon that serves {} does not answer", entry.mountpoint);
    case ControlError::busy:
      return fmt::format("the daemon that serves {} is answering others; try again", entry.mountpoint);
    case ControlError::unreadable:
      break;
  }
  return fmt::format("the daemon that serves {} tells what makes no sense", entry.mountpoint);
}

MountReport ask(const MountEntry& entry) {
  MountReport report{entry.mountpoint, {}, {}};
  if (geteuid() != 0 && geteuid() != entry.owner) {
    report.error =
        fmt::format("{} was mounted by {}: ask as that user, or as root", entry.mountpoint, name_of(entry.owner));
    return report;
  }
  ControlError error = ControlError::missing;
  for (const std::string& folder : control_folders(entry.owner)) {
    auto told = ask_control_socket(folder + "/" + control_socket_name(entry.device), entry.owner, kPatience);
    if (told) {
      report.json = std::move(*told);
      return report;
    }
    error = told.error();
    if (error != ControlError::missing) break;
  }
  report.error = sentence_of(error, entry);
  return report;
}

// False: not all could be told.
bool show(const std::vector<MountReport>& reports) {
  bool complete = true;
  bool first = true;
  for (const MountReport& report : reports) {
    const std::optional<std::string> text = report.error.empty() ? to_text(report) : std::nullopt;
    if (!text) {
      complete = false;
      const std::string sentence = report.error.empty()
                                       ? "the daemon that serves " + report.mountpoint + " tells what makes no sense"
                                       : report.error;
      std::fprintf(stderr, "smb3fuse: %s\n", sentence.c_str());
      continue;
    }
    std::printf("%s%s", std::exchange(first, false) ? "" : "\n", text->c_str());
  }
  return complete;
}

}  // namespace

Checked<MountEntry> find_asked_mount(const std::vector<MountEntry>& table, const std::string& given) {
  std::filesystem::path path = given;
  const bool climbs = std::find(path.begin(), path.end(), "..") != path.end();  // which a link may lead elsewhere
  path = path.lexically_normal();
  if (path.has_relative_path() && !path.has_filename()) path = path.parent_path();
  const MountEntry* found = climbs ? nullptr : find_mount(table, path.native());
  const MountEntry* above = found == nullptr && !climbs ? mount_above(table, path) : nullptr;
  if (found == nullptr && above == nullptr) {
    path = resolved(given);
    found = find_mount(table, path.native());
    above = mount_above(table, path);
  }
  if (found != nullptr && is_fuse(*found)) return *found;
  if (found == nullptr && above != nullptr) {
    return refused(fmt::format("{} is a part of what is mounted on {}: ask for that", given, above->mountpoint));
  }
  return refused(given + " is not mounted by smb3fuse");
}

std::vector<MountEntry> mounts_of(const std::vector<MountEntry>& table, uid_t user) {
  std::vector<MountEntry> mounts;
  for (const MountEntry& entry : table) {
    if (entry.type != kMountType || (user != 0 && user != entry.owner)) continue;
    const auto same = [&entry](const MountEntry& each) { return each.device == entry.device; };
    if (std::none_of(mounts.begin(), mounts.end(), same)) mounts.push_back(entry);
  }
  return mounts;
}

ExitCode run_status(const StatusRequest& request) {
  const std::vector<MountEntry> table = read_mount_table();
  std::vector<MountReport> reports;
  if (request.mountpoint) {
    const Checked<MountEntry> entry = find_asked_mount(table, *request.mountpoint);
    if (!entry) {
      std::fprintf(stderr, "smb3fuse: %s\n", entry.error().sentence.c_str());
      return ExitCode::usage;
    }
    reports.push_back(ask(*entry));
  } else {
    for (const MountEntry& entry : mounts_of(table, geteuid())) reports.push_back(ask(entry));
  }
  bool complete = true;
  if (!request.json) {
    complete = show(reports);
    if (reports.empty()) std::puts("Nothing is mounted.");
  } else if (request.mountpoint && !reports.front().error.empty()) {
    complete = show(reports);
  } else {
    const std::string text = request.mountpoint ? to_json(reports.front()) : to_json(reports);
    std::fputs(text.c_str(), stdout);
    complete = std::all_of(reports.begin(), reports.end(), [](const MountReport& each) { return each.error.empty(); });
  }
  const bool written = std::fflush(stdout) == 0;
  return complete && written ? ExitCode::success : ExitCode::usage;
}

}  // namespace smb3fuse::fs
