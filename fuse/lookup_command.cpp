// SPDX-License-Identifier: Apache-2.0
#include "fuse/lookup_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>

#include "fuse/run_task.h"
#include "fuse/text.h"
#include "nbt/lmhosts.h"
#include "smb/client/asio_name_holder.h"
#include "smb/client/asio_resolver.h"

namespace smb3fuse::fs {
namespace {

std::string shown(const nbt::Name& name) {
  std::string text = name.text();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return text;
}

const char* service_of(const nbt::NodeName& own) {
  switch (own.name.service()) {
    case nbt::suffix::workstation:
      return own.group ? "workgroup" : "machine";
    case nbt::suffix::messenger:
      return "messages";
    case nbt::suffix::domain_master_browser:
      return "domain's master browser";
    case nbt::suffix::domain_controllers:
      return "domain controllers";
    case nbt::suffix::local_master_browser:
      return "master browser";
    case nbt::suffix::browser_elections:
      return "browsers";
    case nbt::suffix::file_server:
      return "files";
    default:
      return own.group && own.name.service() == 0x01 ? "master browsers" : "";
  }
}

// "NAS" asks for its service of files, "NAS#1d" for another one.
std::optional<nbt::Name> asked_name(std::string_view text) {
  const std::size_t mark = text.rfind('#');
  if (mark == std::string_view::npos) return nbt::make_name(text, nbt::suffix::file_server);
  const std::string_view digits = text.substr(mark + 1);
  if (digits.empty() || digits.size() > 2 || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos) {
    return std::nullopt;
  }
  return nbt::make_name(text.substr(0, mark), static_cast<std::uint8_t>(std::stoi(std::string(digits), nullptr, 16)));
}

ExitCode complain(const std::string& sentence) {
  std::fprintf(stderr, "smb3fuse: %s\n", sentence.c_str());
  return ExitCode::usage;
}

std::string not_a_name(const std::string& text) {
  return "'" + text + "' is not a NetBIOS name of 1 to 15 characters, with #20 or the like for a service";
}

ExitCode print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? ExitCode::success : ExitCode::system;
}

ExitCode look_up_address(const client::DialPolicy& dial, const nbt::Ipv4& address) {
  boost::asio::io_context context(1);
  const auto answers =
      run_task(context, client::ask_for_status(context, address, client::node_config(dial, nbt::NodeType::p)));
  if (answers.empty()) return complain(nbt::to_string(address) + " does not tell its NetBIOS names");
  return print(status_text(nbt::to_string(address), *answers.front().status));
}

ExitCode look_up_name(const client::DialPolicy& dial, const nbt::Name& name) {
  boost::asio::io_context context(1);
  std::string text;
  const auto owners = run_task(context, client::find_owners(context, dial, name));
  for (const nbt::NameOwner& owner : owners) {
    text += fmt::format("{:<15}  {}<{:02x}>{}\n", nbt::to_string(owner.address), shown(name), name.service(),
                        owner.group ? "  group" : "");
  }
  if (text.empty()) return complain(fmt::format("nobody has the NetBIOS name {}<{:02x}>", shown(name), name.service()));
  return print(text);
}

}  // namespace

std::string status_text(const std::string& address, const nbt::NodeStatus& status) {
  std::string text = address + "\n";
  for (const nbt::NodeName& own : status.names) {
    const std::string notes = std::string(own.conflict ? ", in conflict" : "") + (own.deregistering ? ", leaving" : "");
    std::string line = fmt::format("  {:<15} <{:02x}>  {:<6}  {}{}", shown(own.name), own.name.service(),
                                   own.group ? "group" : "unique", service_of(own), notes);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  if (status.unit_id != std::array<std::uint8_t, 6>{}) {
    text += fmt::format("  network card {:02x}\n", fmt::join(status.unit_id, ":"));
  }
  return text;
}

std::string neighbours_text(std::vector<client::Neighbour> neighbours) {
  std::sort(neighbours.begin(), neighbours.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  std::string text;
  for (const client::Neighbour& each : neighbours) {
    std::set<std::string> servers;
    std::string group;
    for (const nbt::NodeName& own : each.status.names) {
      if (!own.group && own.name.service() == nbt::suffix::file_server) servers.insert(shown(own.name));
      if (own.group && own.name.service() == nbt::suffix::workstation && group.empty()) group = shown(own.name);
    }
    for (const std::string& server : servers) {
      text += fmt::format("{:<17}  {:<15}  {}\n", "//" + server, group, nbt::to_string(each.address));
    }
  }
  return text;
}

ExitCode run_lookup(const LookupRequest& request) {
  if (const auto address = nbt::parse_ipv4(request.name)) return look_up_address(request.dial, *address);
  const auto name = asked_name(request.name);
  if (!name) return complain(not_a_name(request.name));
  return look_up_name(request.dial, *name);
}

ExitCode run_register(const RegisterRequest& request) {
  const auto name = asked_name(request.name);
  if (!name) return complain(not_a_name(request.name));
  const std::string text = fmt::format("{}<{:02x}>", shown(*name), name->service());
  boost::asio::io_context context(1);
  const auto owned = [&text] { static_cast<void>(print(text + " is ours until a signal comes\n")); };
  const auto held = run_task(context, client::hold_name(context, *name, request.dial, owned));
  if (!held && held.error() == std::errc::permission_denied) {
    return complain("port 137 may not be used by you: a NetBIOS name is held as root");
  }
  if (!held && held.error() == std::errc::address_in_use) {
    return complain("port 137 is in use: another program, as nmbd, holds names on this machine");
  }
  if (!held) return complain(text + " cannot be held: " + held.error().message());
  switch (*held) {
    case nbt::OwnName::State::refused:
      return complain("another machine has the name " + text + ", or the name server refuses it");
    case nbt::OwnName::State::conflicted:
      return complain("another machine has the name " + text + ", too: it was given up");
    case nbt::OwnName::State::unanswered:
      return complain("no name server answers");
    default:
      return ExitCode::success;
  }
}

ExitCode run_neighbourhood(const client::DialPolicy& dial) {
  boost::asio::io_context context(1);
  auto neighbours = run_task(context, client::find_neighbours(context, client::node_config(dial, nbt::NodeType::b)));
  const std::string text = neighbours_text(std::move(neighbours));
  if (text.empty()) return complain("no machine of the neighbourhood tells its NetBIOS names");
  return print(text);
}

}  // namespace smb3fuse::fs
