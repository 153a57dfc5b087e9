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

ExitCode complain(ExitCode code, const std::string& sentence) {
  std::fprintf(stderr, "smb3fuse: %s\n", sentence.c_str());
  return code;
}

ExitCode complain(const client::ConnectError& error) {
  return complain(ExitCode::mount_failure, std::string(client::name_of(error.step)) + ": " + error.sentence);
}

ExitCode print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? ExitCode::success : ExitCode::system;
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

std::string servers_text(const std::string& group, const std::vector<client::ListedServer>& servers) {
  std::string text;
  for (const client::ListedServer& server : servers) {
    std::string line =
        fmt::format("{:<17}  {:<15}  {}", "//" + shown(server.name), shown(group), shown(server.comment));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::vector<MasterBrowser> master_browsers(const std::vector<client::Neighbour>& neighbours) {
  std::vector<MasterBrowser> found;
  for (const client::Neighbour& each : neighbours) {
    MasterBrowser master;
    for (const nbt::NodeName& own : each.status.names) {
      if (own.group) continue;
      if (own.name.service() == nbt::suffix::local_master_browser) master.group = own.name.text();
      if (own.name.service() == nbt::suffix::file_server && master.name.empty()) master.name = own.name.text();
    }
    master.address = nbt::to_string(each.address);
    if (!master.group.empty() && !master.name.empty()) found.push_back(std::move(master));
  }
  return found;
}

ExitCode run_list(ListRequest request) {
  const bool asks_browsers = !request.server && request.options.max_dialect == Dialect::smb1;
  if (!request.server && !asks_browsers) return run_neighbourhood(request.options.dial);
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("smb3fuse", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  spdlog::set_pattern("smb3fuse: %v");
  spdlog::set_level(spdlog::level::warn);
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context context(1);
  std::vector<MasterBrowser> masters;
  if (asks_browsers) {
    const auto node = client::node_config(request.options.dial, nbt::NodeType::b);
    masters = master_browsers(run_task(context, client::find_neighbours(context, node)));
    if (masters.empty()) {
      return complain(ExitCode::usage, "no master browser answers: without vers=1.0 the machines are asked themselves");
    }
  }
  auto credentials =
      complete_credentials(std::move(request.options.credentials),
                           asks_browsers ? masters.front().name : request.server->server, request.warnings);
  for (const std::string& warning : request.warnings) spdlog::warn("{}", warning);
  if (!credentials) return complain(ExitCode::usage, credentials.error().sentence);
  client::AsioRuntime runtime(context);
  cache::BufferPool pool;
  client::AsioDialer dialer(context, pool, request.options.dial);
  if (!asks_browsers) {
    client::ConnectConfig config = connect_config(*request.server, request.options, std::move(*credentials));
    const auto shares = run_task(context, client::list_shares(runtime, dialer, std::move(config)));
    return shares ? print(shares_text(*shares)) : complain(shares.error());
  }
  std::string text;
  for (const MasterBrowser& master : masters) {
    Source source;
    source.server = master.name;
    client::ConnectConfig config = connect_config(source, request.options, credentials->clone());
    config.address = master.address;
    const auto servers = run_task(context, client::list_servers(runtime, dialer, std::move(config), master.group));
    if (!servers) return complain(servers.error());
    text += servers_text(master.group, *servers);
  }
  return print(text);
}

}  // namespace smb3fuse::fs
