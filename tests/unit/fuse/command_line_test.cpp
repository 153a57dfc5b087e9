// SPDX-License-Identifier: Apache-2.0
#include "fuse/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

namespace smb3fuse::fs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A command's arguments, writable as main()'s are.
class Argv {
 public:
  explicit Argv(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
    for (std::string& argument : arguments_) pointers_.push_back(argument.data());
  }
  Checked<Command> parse() { return parse_command_line(static_cast<int>(pointers_.size()), pointers_.data()); }
  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  std::vector<std::string> arguments_;
  std::vector<char*> pointers_;
};

MountConfig config_of(std::vector<std::string> arguments) {
  auto command = Argv(std::move(arguments)).parse();
  EXPECT_TRUE(command) << (command ? "" : command.error().sentence);
  EXPECT_TRUE(command && std::holds_alternative<MountConfig>(*command));
  return command ? std::get<MountConfig>(std::move(*command)) : MountConfig();
}

std::string refusal_of(std::vector<std::string> arguments) {
  const auto command = Argv(std::move(arguments)).parse();
  EXPECT_FALSE(command);
  return command ? "" : command.error().sentence;
}

TEST(CommandLine, TakesItsArgumentsInAnyOrder) {
  const std::vector<std::vector<std::string>> orders{
      {"smb3fuse", "//nas/media", "/mnt", "-o", "ro,port=1445", "-v"},
      {"smb3fuse", "-v", "-o", "ro,port=1445", "//nas/media", "/mnt"},
      {"smb3fuse", "//nas/media", "-vo", "ro,port=1445", "/mnt"},
      {"smb3fuse", "//nas/media", "-oro", "/mnt", "--verbose", "--options=port=1445"},
      {"smb3fuse", "-r", "--options", "port=1445", "-v", "--", "//nas/media", "/mnt"},
      {"/sbin/mount.smb3fuse", "//nas/media", "/mnt", "-v", "-n", "-s", "-o", "rw,port=1445,ro"},
      {"mount.smb3fuse", "//nas/media", "/mnt", "-t", "fuse.smb3fuse", "-wrv", "-o", "port=1445"},
  };
  for (const auto& order : orders) {
    SCOPED_TRACE(testing::PrintToString(order));
    const MountConfig config = config_of(order);
    EXPECT_EQ(to_string(config.source), "//nas/media");
    EXPECT_EQ(config.mountpoint, "/mnt");
    EXPECT_TRUE(config.options.kernel.read_only);
    EXPECT_EQ(config.options.port, 1445);
    EXPECT_TRUE(config.verbose);
    EXPECT_FALSE(config.foreground || config.debug || config.fake);
  }
}

TEST(CommandLine, KnowsForegroundFromTheFakeOfMount) {
  EXPECT_TRUE(config_of({"smb3fuse", "-f", "//nas/media", "/mnt"}).foreground);
  EXPECT_TRUE(config_of({"./smb3fuse", "--foreground", "//nas/media", "/mnt"}).foreground);
  const MountConfig fake = config_of({"/usr/sbin/mount.smb3fuse", "//nas/media", "/mnt", "-sfnv", "-o", "rw"});
  EXPECT_TRUE(fake.fake && fake.verbose);
  EXPECT_FALSE(fake.foreground);
}

TEST(CommandLine, StaysInTheForegroundToDebug) {
  const MountConfig config = config_of({"smb3fuse", "-d", "//nas/media", "/mnt"});
  EXPECT_TRUE(config.debug && config.foreground);
}

TEST(CommandLine, MakesTheMountpointAbsolute) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(config_of({"smb3fuse", "//nas/media", "media/films/"}).mountpoint, here + "/media/films");
  EXPECT_EQ(config_of({"smb3fuse", "//nas/media", "/mnt//"}).mountpoint, "/mnt");
  EXPECT_EQ(config_of({"smb3fuse", "//nas/media", "/"}).mountpoint, "/");
}

TEST(CommandLine, TakesPortAndUserFromTheSource) {
  const MountConfig config = config_of({"smb3fuse", "smb://CORP;alice@nas:1445/media/films", "/mnt"});
  EXPECT_EQ(config.options.port, 1445);
  EXPECT_EQ(config.options.credentials.username, "alice");
  EXPECT_EQ(config.options.credentials.domain, "CORP");
  EXPECT_EQ(config.options.kernel.fsname, "//nas:1445/media/films");
}

TEST(CommandLine, LetsOptionsStandAboveTheSource) {
  const MountConfig config = config_of(
      {"smb3fuse", "smb://CORP;alice@nas:1445/media", "/mnt", "-o", "username=bob,domain=HOME,port=1445,fsname=disk"});
  EXPECT_EQ(config.options.credentials.username, "bob");
  EXPECT_EQ(config.options.credentials.domain, "HOME");
  EXPECT_EQ(config.options.kernel.fsname, "disk");
}

TEST(CommandLine, WarnsOfUnknownOptionsWhenSloppy) {
  EXPECT_THAT(config_of({"smb3fuse", "-s", "//nas/media", "/mnt", "-o", "sela"}).warnings,
              ElementsAre("unknown mount option 'sela'; did you mean 'seal'?"));
}

TEST(CommandLine, ShowsHelpAndVersionWhateverElseIsThere) {
  for (const char* help : {"-h", "--help"}) {
    const auto command = Argv({"smb3fuse", "//nas/media", help, "-o", "nonsense"}).parse();
    ASSERT_TRUE(command);
    EXPECT_TRUE(std::holds_alternative<ShowHelp>(*command));
  }
  for (const char* version : {"-V", "--version"}) {
    const auto command = Argv({"smb3fuse", version}).parse();
    ASSERT_TRUE(command);
    EXPECT_TRUE(std::holds_alternative<ShowVersion>(*command));
  }
}

TEST(CommandLine, IsRefusedInOneSentence) {
  using Arguments = std::vector<std::string>;
  const std::vector<std::pair<Arguments, const char*>> cases{
      {{}, "what to mount, and where, is missing: smb3fuse SOURCE MOUNTPOINT; try --help"},
      {{"smb3fuse"}, "what to mount, and where, is missing: smb3fuse SOURCE MOUNTPOINT; try --help"},
      {{"smb3fuse", "//nas/media"}, "the mountpoint is missing: smb3fuse SOURCE MOUNTPOINT; try --help"},
      {{"smb3fuse", "//nas/media", "/mnt", "ro"},
       "argument 'ro' is too much: smb3fuse SOURCE MOUNTPOINT; options follow -o"},
      {{"smb3fuse", "/mnt", "//nas/media"}, "the source comes first, then the mountpoint: smb3fuse SOURCE MOUNTPOINT"},
      {{"smb3fuse", "//nas/media", ""}, "the mountpoint is empty: expected a folder"},
      {{"smb3fuse", "//nas/media", "/mnt", "-o"}, "switch '-o' needs a value"},
      {{"smb3fuse", "//nas/media", "/mnt", "-t"}, "switch '-t' needs a value"},
      {{"smb3fuse", "//nas/media", "/mnt", "--options"}, "switch '--options' needs a value"},
      {{"smb3fuse", "//nas/media", "/mnt", "--foregrund"},
       "unknown switch '--foregrund'; did you mean '--foreground'?"},
      {{"smb3fuse", "//nas/media", "/mnt", "--credentials=x"}, "unknown switch '--credentials'; try --help"},
      {{"smb3fuse", "//nas/media", "/mnt", "-fq"}, "unknown switch '-q'; try --help"},
      {{"smb3fuse", "//nas/media", "/mnt", "--debug=3"}, "switch '--debug' takes no value"},
      {{"smb3fuse", "//nas/media", "/mnt", "-o", "port=x"}, "option 'port=x': expected a number from 1 to 65535"},
      {{"smb3fuse", "//nas:1445/media", "/mnt", "-o", "port=445"},
       "the source names port 1445, the options port 445: leave one of them out"},
  };
  for (const auto& [arguments, sentence] : cases) EXPECT_EQ(refusal_of(arguments), sentence);
}

TEST(CommandLine, TakesStatusAsACommand) {
  const auto request_of = [](std::vector<std::string> arguments) {
    const auto command = Argv(std::move(arguments)).parse();
    EXPECT_TRUE(command && std::holds_alternative<StatusRequest>(*command))
        << (command ? "" : command.error().sentence);
    return command && std::holds_alternative<StatusRequest>(*command) ? std::get<StatusRequest>(*command)
                                                                      : StatusRequest();
  };
  EXPECT_EQ(request_of({"smb3fuse", "status"}).mountpoint, std::nullopt);
  EXPECT_FALSE(request_of({"smb3fuse", "status"}).json);
  EXPECT_TRUE(request_of({"smb3fuse", "status", "--json"}).json);
  EXPECT_EQ(request_of({"smb3fuse", "status", "/mnt/", "--json"}).mountpoint, "/mnt");
  EXPECT_EQ(request_of({"smb3fuse", "status", "mnt"}).mountpoint, (std::filesystem::current_path() / "mnt").string());
  EXPECT_EQ(request_of({"smb3fuse", "status", "--", "--json"}).mountpoint,
            (std::filesystem::current_path() / "--json").string());
  EXPECT_EQ(refusal_of({"smb3fuse", "status", "/a", "/b"}),
            "argument '/b' is too much: smb3fuse status [MOUNTPOINT] [--json]");
  EXPECT_EQ(refusal_of({"smb3fuse", "status", "--jsn"}), "unknown switch '--jsn' of smb3fuse status; there is --json");
  EXPECT_EQ(refusal_of({"smb3fuse", "status", ""}), "the mountpoint is empty: expected a folder");
  EXPECT_EQ(config_of({"smb3fuse", "//nas/media", "status"}).mountpoint,
            (std::filesystem::current_path() / "status").string());
  refusal_of({"mount.smb3fuse", "status", "/mnt"});  // mount(8) has a source for us, and no commands
}

TEST(CommandLine, AsksForANetbiosName) {
  const auto request_of = [](std::vector<std::string> arguments) {
    auto command = Argv(std::move(arguments)).parse();
    EXPECT_TRUE(command && std::holds_alternative<LookupRequest>(*command))
        << (command ? "" : command.error().sentence);
    return command ? std::get<LookupRequest>(std::move(*command)) : LookupRequest();
  };
  EXPECT_EQ(request_of({"smb3fuse", "lookup", "nas#1d"}).name, "nas#1d");
  const LookupRequest request = request_of({"smb3fuse", "lookup", "-o", "resolve=wins,wins=10.0.0.1", "nas"});
  EXPECT_EQ(request.dial.resolve, std::vector<client::ResolveMethod>{client::ResolveMethod::wins});
  EXPECT_EQ(request.dial.wins.size(), 1u);
  EXPECT_EQ(refusal_of({"smb3fuse", "lookup"}), "the name is missing: smb3fuse lookup NAME [-o OPTIONS]");
  EXPECT_EQ(refusal_of({"smb3fuse", "lookup", "a", "b"}),
            "argument 'b' is too much: smb3fuse lookup NAME [-o OPTIONS]");
  EXPECT_EQ(refusal_of({"smb3fuse", "lookup", "a", "-o", "wins=b"}),
            "option 'wins=b': expected IPv4 addresses, with ':' between them");
}

TEST(CommandLine, HoldsANetbiosName) {
  const auto command = Argv({"smb3fuse", "register", "museum", "-owins=10.0.0.1"}).parse();
  ASSERT_TRUE(command && std::holds_alternative<RegisterRequest>(*command));
  EXPECT_EQ(std::get<RegisterRequest>(*command).name, "museum");
  EXPECT_EQ(std::get<RegisterRequest>(*command).dial.wins.size(), 1u);
  EXPECT_EQ(refusal_of({"smb3fuse", "register"}), "the name is missing: smb3fuse register NAME [-o OPTIONS]");
}

TEST(CommandLine, ListsSharesOrServers) {
  const auto request_of = [](std::vector<std::string> arguments) {
    auto command = Argv(std::move(arguments)).parse();
    EXPECT_TRUE(command && std::holds_alternative<ListRequest>(*command)) << (command ? "" : command.error().sentence);
    return command ? std::get<ListRequest>(std::move(*command)) : ListRequest();
  };
  EXPECT_FALSE(request_of({"smb3fuse", "list"}).server);
  const ListRequest request = request_of({"smb3fuse", "list", "smb://alice@nas:1445", "-oseal"});
  EXPECT_EQ(request.server->server, "nas");
  EXPECT_EQ(request.options.port, 1445);
  EXPECT_EQ(request.options.credentials.username, "alice");
  EXPECT_TRUE(request.options.require_sealing);
  EXPECT_EQ(refusal_of({"smb3fuse", "list", "//nas/media"}),
            "'//nas/media' names a share: expected a server alone, as in //server");
  Argv argv({"smb3fuse", "list", "smb://alice:geheim@nas", "-o", "password=geheim"});
  EXPECT_FALSE(argv.parse());
  EXPECT_THAT(argv.arguments(), ElementsAre("smb3fuse", "list", "smb://alice:xxxxxx@nas", "-o", "password=xxxxxx"));
}

TEST(CommandLine, LeavesNoPasswordInArgv) {
  Argv good({"smb3fuse", "//nas/media", "/mnt", "-opass=geheim,ro", "-o", "password=ge\\,heim", "--options=pass2=g"});
  ASSERT_TRUE(good.parse());
  EXPECT_THAT(good.arguments(), ElementsAre("smb3fuse", "//nas/media", "/mnt", "-opass=xxxxxx,ro", "-o",
                                            "password=xxxxxxxx", "--options=pass2=x"));

  Argv url({"smb3fuse", "smb://alice:geheim@nas/media", "/mnt"});
  ASSERT_FALSE(url.parse());
  EXPECT_THAT(url.arguments(), ElementsAre("smb3fuse", "smb://alice:xxxxxx@nas/media", "/mnt"));
}

TEST(Help, ListsWhatTheTableHolds) {
  const std::string text = help_text();
  EXPECT_THAT(text, HasSubstr("Usage: smb3fuse SOURCE MOUNTPOINT"));
  EXPECT_THAT(text, HasSubstr("\n  credentials=FILE      has lines username=, password=, domain=\n"));
  EXPECT_THAT(text, HasSubstr("\n  user[=NAME]           "));
  EXPECT_THAT(text, testing::Not(HasSubstr("multiuser")));
}

TEST(Help, FitsATerminal) {
  std::istringstream lines(help_text());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(Version, NamesTheProgram) { EXPECT_EQ(version_text("1.2.3"), "smb3fuse 1.2.3\n"); }

}  // namespace
}  // namespace smb3fuse::fs
