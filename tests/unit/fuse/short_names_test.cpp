// SPDX-License-Identifier: Apache-2.0
#include "fuse/short_names.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fuse/command_line.h"

namespace smb3fuse::fs {
namespace {

class ShortNames : public testing::Test {
 protected:
  ShortNames() {
    std::string path = testing::TempDir() + "/short-names-XXXXXX";
    folder = ::mkdtemp(path.data());
  }
  ~ShortNames() override { std::filesystem::remove_all(folder); }

  std::string table(const std::string& text, const char* name = "names") {
    const std::filesystem::path path = folder / "smb3fuse" / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  static std::string source_of(const std::string& name, const std::vector<std::string>& files) {
    const auto expansion = expand_short_name(name, files);
    return expansion ? expansion->source : expansion.error().sentence;
  }

  std::filesystem::path folder;
};

TEST_F(ShortNames, AreWordsBeforeAColon) {
  for (const char* text : {"x:", "X:/docs", "x:\\policy.doc", "old-nas_2:/a:b"})
    EXPECT_TRUE(is_short_name(text)) << text;
  for (const char* text :
       {"", ":", "//x:1/y", "smb://nas/media", "file://nas/media", "x", "a b:", "[::1]:", "nas.x:/y", "nas:media"}) {
    EXPECT_FALSE(is_short_name(text)) << text;
  }
}

// The Common Internet File System's example: x:\policy.doc is \\corpserver\public\policy.doc.
TEST_F(ShortNames, StandForThePrefixInTheTable) {
  const std::vector<std::string> files{
      table("# ours\n\nx: = //corpserver/public\r\nfilms: = \\\\nas\\films -o ro,cred=/etc/nas\n")};
  EXPECT_EQ(source_of("x:", files), "//corpserver/public");
  EXPECT_EQ(source_of("X:\\policy.doc", files), "//corpserver/public/policy.doc");
  EXPECT_EQ(source_of("x:/a/b", files), "//corpserver/public/a/b");
  EXPECT_EQ(source_of("films:\\old", files), "\\\\nas\\films\\old");
  EXPECT_EQ(expand_short_name("films:", files)->options, "ro,cred=/etc/nas");
  EXPECT_EQ(expand_short_name("x:", files)->options, "");
}

TEST_F(ShortNames, OfTheUserComeBeforeThoseOfTheSystem) {
  const std::string mine = table("x: = //mine/a\n");
  const std::string system = table("x: = //system/a\ny: = //system/b\n", "system");
  EXPECT_EQ(source_of("x:", {mine, system}), "//mine/a");
  EXPECT_EQ(source_of("y:", {mine, system}), "//system/b");
  EXPECT_EQ(source_of("y:", {folder / "nowhere", system}), "//system/b");
}

TEST_F(ShortNames, ThatAreUnknownOrWrongAreRefusedInOneSentence) {
  const std::string file = table("x: = //nas/a\n");
  EXPECT_EQ(source_of("y:", {file, "/etc/names"}),
            "no short name 'y:' is known: a line 'y: = //server/share' belongs into " + file + " and /etc/names");
  const std::string format = ": expected NAME: = //server/share [-o OPTIONS]";
  for (const auto& [text, sentence] : std::vector<std::pair<std::string, std::string>>{
           {"x: //nas/a", ", line 1" + format},
           {"\nx = //nas/a", ", line 2" + format},
           {"a.b: = //nas/a", ", line 1" + format},
           {"x: =", ", line 1: expected a source such as //server/share behind 'x: ='"},
           {"x: = y:", ", line 1: expected a source such as //server/share behind 'x: ='"},
           {"x: = //nas/a -o ro,pass=geheim", ", line 1: a password does not belong here: use credentials=FILE"}}) {
    const std::string bad = table(text);
    EXPECT_EQ(source_of("x:", {bad}), bad + sentence);
  }
}

TEST_F(ShortNames, AreMountedWithTheirOptions) {
  table("x: = smb://alice@nas/media -o ro,port=1445,uid=5\n");
  ::setenv("XDG_CONFIG_HOME", folder.c_str(), 1);
  std::vector<std::string> words{"smb3fuse", "x:/films", "/mnt", "-o", "rw,port=1446"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const auto command = parse_command_line(static_cast<int>(argv.size()), argv.data());
  ::unsetenv("XDG_CONFIG_HOME");
  ASSERT_TRUE(command) << command.error().sentence;
  const auto& config = std::get<MountConfig>(*command);
  EXPECT_EQ(to_string(config.source), "//nas/media/films");
  EXPECT_EQ(config.options.uid, 5u);
  EXPECT_EQ(config.options.port, 1446);
  EXPECT_FALSE(config.options.kernel.read_only) << "what the command says wins";
}

}  // namespace
}  // namespace smb3fuse::fs
