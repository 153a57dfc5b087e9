// SPDX-License-Identifier: Apache-2.0
#include "fuse/list_command.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include "fuse/lookup_command.h"
#include "fuse/mount_command.h"
#include "fuse/run_task.h"
#include "smb/client/asio_dialer.h"

namespace smb3fuse::fs {
namespace {

std::string shown(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; }, '.');
  return text;
}

// How many columns it takes, as far as a column is a character.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

const char* name_of(client::ShareKind kind) {
  switch (kind) {
    case client::ShareKind::disk:
      return "folder";
    case client::ShareKind::printer:
      return "printer";
    case client::ShareKind::device:
      return "device";
    case client::ShareKind::pipe:
      return "pipe";
  }
  return "";
}

}  // namespace

std::string shares_text(const std::vector<client::ListedShare>& shares) {
  std::size_t width = 0;
  for (const client::ListedShare& share : shares) width = std::max(width, width_of(shown(share.name)));
  std::string text;
  for (const client::ListedShare& share : shares) {
    const std::string name = shown(share.name);
    std::string line = name + std::string(width - width_of(name), ' ') +
                       fmt::format("  {:<7}  {}", name_of(share.kind), shown(share.comment));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

ExitCode run_list(ListRequest request) {
  if (!request.server) return run_neighbourhood(request.options.dial);
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("smb3fuse", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  spdlog::set_pattern("smb3fuse: %v");
  spdlog::set_level(spdlog::level::warn);
  std::signal(SIGPIPE, SIG_IGN);
  auto credentials =
      complete_credentials(std::move(request.options.credentials), request.server->server, request.warnings);
  for (const std::string& warning : request.warnings) spdlog::warn("{}", warning);
  if (!credentials) {
    std::fprintf(stderr, "smb3fuse: %s\n", credentials.error().sentence.c_str());
    return ExitCode::usage;
  }
  boost::asio::io_context context(1);
  client::AsioRuntime runtime(context);
  cache::BufferPool pool;
  client::AsioDialer dialer(context, pool, request.options.dial);
  client::ConnectConfig config = connect_config(*request.server, request.options, std::move(*credentials));
  const auto shares = run_task(context, client::list_shares(runtime, dialer, std::move(config)));
  if (!shares) {
    const client::ConnectError& error = shares.error();
    std::fprintf(stderr, "smb3fuse: %s: %s\n", client::name_of(error.step), error.sentence.c_str());
    return ExitCode::mount_failure;
  }
  std::fputs(shares_text(*shares).c_str(), stdout);
  return std::fflush(stdout) == 0 ? ExitCode::success : ExitCode::system;
}

}  // namespace smb3fuse::fs
