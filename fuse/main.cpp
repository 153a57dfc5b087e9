// SPDX-License-Identifier: Apache-2.0
// The command smb3fuse, also called as mount.smb3fuse.
#include <cstdio>
#include <variant>

#include "fuse/command_line.h"
#include "fuse/list_command.h"
#include "fuse/lookup_command.h"
#include "fuse/mount_command.h"
#include "fuse/status_command.h"

namespace fs = smb3fuse::fs;

namespace {

int show(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return static_cast<int>(std::fflush(stdout) == 0 ? fs::ExitCode::success : fs::ExitCode::system);
}

}  // namespace

int main(int argc, char** argv) {
  auto command = fs::parse_command_line(argc, argv);
  if (!command) {
    std::fprintf(stderr, "smb3fuse: %s\n", command.error().sentence.c_str());
    return static_cast<int>(fs::ExitCode::usage);
  }
  if (std::holds_alternative<fs::ShowHelp>(*command)) return show(fs::help_text());
  if (std::holds_alternative<fs::ShowVersion>(*command)) return show(fs::version_text(SMB3FUSE_VERSION));
  if (const auto* lookup = std::get_if<fs::LookupRequest>(&*command)) return static_cast<int>(fs::run_lookup(*lookup));
  if (const auto* own = std::get_if<fs::RegisterRequest>(&*command)) return static_cast<int>(fs::run_register(*own));
  if (auto* list = std::get_if<fs::ListRequest>(&*command)) return static_cast<int>(fs::run_list(std::move(*list)));
  if (const auto* asked = std::get_if<fs::StatusRequest>(&*command)) return static_cast<int>(fs::run_status(*asked));
  return static_cast<int>(fs::run_mount(std::move(std::get<fs::MountConfig>(*command)), SMB3FUSE_VERSION));
}
