// SPDX-License-Identifier: Apache-2.0
#include "fuse/source.h"

#include <gtest/gtest.h>

#include <vector>

namespace smb3fuse::fs {
namespace {

struct Good {
  const char* text;
  Source expected;
};

Source source(std::string server, std::optional<std::uint16_t> port, std::string share, std::string path,
              std::optional<std::string> domain = {}, std::optional<std::string> username = {}) {
  return {std::move(server), port, std::move(share), std::move(path), std::move(domain), std::move(username)};
}

TEST(Source, IsReadInEveryFormThatPeopleWrite) {
  const std::vector<Good> cases{
      {"//nas/media", source("nas", {}, "media", "")},
      {"//nas/media/", source("nas", {}, "media", "")},
      {"//nas/media/films/old", source("nas", {}, "media", "films/old")},
      {"//nas//media/./films//old/", source("nas", {}, "media", "films/old")},
      {"//nas:1445/media", source("nas", 1445, "media", "")},
      {"//192.0.2.7/media", source("192.0.2.7", {}, "media", "")},
      {"//[fe80::1]/media", source("fe80::1", {}, "media", "")},
      {"//[fe80::1%eth0]:1445/media/a", source("fe80::1%eth0", 1445, "media", "a")},
      {"//nas/media/100% #1?", source("nas", {}, "media", "100% #1?")},
      {"//nas/C$", source("nas", {}, "C$", "")},
      {"//nas/Füße/日本", source("nas", {}, "Füße", "日本")},
      {"\\\\nas\\media", source("nas", {}, "media", "")},
      {"\\\\nas\\media\\films\\old", source("nas", {}, "media", "films/old")},
      {"/nas/media", source("nas", {}, "media", "")},  // mount(8) merges the slashes of a type it does not know
      {"smb://nas/media", source("nas", {}, "media", "")},
      {"SMB://nas/media/films", source("nas", {}, "media", "films")},
      {"smb://alice@nas/media", source("nas", {}, "media", "", {}, "alice")},
      {"smb://CORP;alice@nas:1445/media/films", source("nas", 1445, "media", "films", "CORP", "alice")},
      {"smb://alice%40corp.example@nas/media", source("nas", {}, "media", "", {}, "alice@corp.example")},
      {"smb://nas/my%20media/100%25%3f", source("nas", {}, "my media", "100%?")},
      {"smb://nas/media/a@b:c", source("nas", {}, "media", "a@b:c")},
      {"smb://[::1]:445/media/a@b", source("::1", 445, "media", "a@b")},
      // The examples of the CIFS specification, 2.1.
      {"file://fs.megacorp.com/users/fred/stuff.txt", source("fs.megacorp.com", {}, "users", "fred/stuff.txt")},
      {"\\\\corpserver\\public\\policy.doc", source("corpserver", {}, "public", "policy.doc")},
      {"FILE://nas/my%20media", source("nas", {}, "my media", "")},
      {"//fe80--1s4.ipv6-literal.net/media", source("fe80--1s4.ipv6-literal.net", {}, "media", "")},
      {"//nas", source("nas", {}, "", "")},
      {"\\\\nas:1445\\", source("nas", 1445, "", "")},
      {"smb://alice@nas", source("nas", {}, "", "", {}, "alice")},
      {"smb://bob@[fe80::1%25eth0]/media", source("fe80::1%eth0", {}, "media", "", {}, "bob")},
  };
  for (const Good& good : cases) {
    const auto parsed = parse_source(good.text);
    ASSERT_TRUE(parsed) << good.text << ": " << parsed.error().sentence;
    EXPECT_EQ(*parsed, good.expected) << good.text;
  }
}

TEST(Source, IsRefusedWithASentenceThatNamesThePart) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"", "the source is empty: expected //server/share or smb://server/share"},
      {"nas", "the source 'nas' is not understood: expected //server/share or smb://server/share"},
      {"nas:/media", "the source 'nas:/media' is not understood: expected //server/share or smb://server/share"},
      {"http://nas/media",
       "the source 'http://nas/media' is not understood: expected //server/share or smb://server/share"},
      {"//", "the source names no server: expected //server/share or smb://server/share"},
      {"file:///media/films", "the source names no server: expected //server/share or smb://server/share"},
      {"smb:///media", "the source names no server: expected //server/share or smb://server/share"},
      {"//nas:/media", "the source's port '' is not a number from 1 to 65535"},
      {"//nas:0/media", "the source's port '0' is not a number from 1 to 65535"},
      {"//nas:65536/media", "the source's port '65536' is not a number from 1 to 65535"},
      {"//nas:smb/media", "the source's port 'smb' is not a number from 1 to 65535"},
      {"//fe80::1/media", "the source's server 'fe80::1' needs brackets if it is an IPv6 address: //[fe80::1]/share"},
      {"//[fe80::1/media", "the source's server '[fe80::1' lacks its ']'"},
      {"//[nas]/media", "the source's server '[nas]' is not an IPv6 address"},
      {"//[::1]445/media", "the source has '445' behind its IPv6 address: expected a '/' or ':port'"},
      {"//alice@nas/media",
       "the source's server 'alice@nas' holds an '@': give the user with -o username=, or write "
       "smb://user@server/share"},
      {"//my nas/media", "the source's server 'my nas' is neither a host name nor an address"},
      {"//nas/../media", "the source's path holds '..': name the folder itself"},
      {"//nas/media/a/../..", "the source's path holds '..': name the folder itself"},
      {"smb://nas/media/%2e%2E", "the source's path holds '..': name the folder itself"},
      {"smb://nas/media/a%2fb", "the source's path holds an escaped '/'"},
      {"smb://nas/media/a%0ab", "the source's path holds a control character"},
      {"smb://nas/med%00ia", "the source's share holds a control character"},
      {"//nas/m\xff", "the source's share is not valid UTF-8"},
      {"smb://nas/media/%c3", "the source's path is not valid UTF-8"},
      {"smb://@nas/media", "the URL has an '@' without a user name before it"},
      {"smb://nas/media/100%",
       "the URL has a '%' that is not followed by two hexadecimal digits; write a percent sign as %25"},
      {"smb://nas/media/%4",
       "the URL has a '%' that is not followed by two hexadecimal digits; write a percent sign as %25"},
      {"smb://nas/media/%zz",
       "the URL has a '%' that is not followed by two hexadecimal digits; write a percent sign as %25"},
      {"smb://nas/media?a", "the URL holds a '?' or '#', which has no meaning here: within a name write %3F or %23"},
  };
  for (const auto& [text, sentence] : cases) {
    const auto parsed = parse_source(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().sentence, sentence) << text;
  }
}

TEST(Server, IsASourceWithoutAShare) {
  for (const char* text : {"//nas", "//nas/", "\\\\nas", "smb://nas", "smb://nas/", "file://nas", "nas"}) {
    const auto parsed = parse_server(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().sentence;
    EXPECT_EQ(*parsed, source("nas", {}, "", "")) << text;
  }
  EXPECT_EQ(*parse_server("smb://CORP;alice@nas:1445"), source("nas", 1445, "", "", "CORP", "alice"));
  EXPECT_EQ(*parse_server("nas:1445"), source("nas", 1445, "", ""));
  EXPECT_EQ(parse_server("//nas/media").error().sentence,
            "'//nas/media' names a share: expected a server alone, as in //server");
  EXPECT_FALSE(parse_server(""));
  EXPECT_FALSE(parse_server("//"));
}

TEST(Source, WithAPasswordInTheUrlIsRefusedWithoutRepeatingIt) {
  for (const char* text : {"smb://alice:geheim@nas/media", "smb://CORP;alice:ge@heim@nas/media",
                           "smb://alice:ge/heim@nas/media", "smb://alice:@nas/media", "smb://alice:%zz@nas/media"}) {
    const auto parsed = parse_source(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().sentence,
              "the URL holds a password, which the process list and the shell's history would show: leave it out and "
              "use a credentials file (-o credentials=FILE), the variable PASSWD, or the prompt");
  }
}

TEST(Source, HasThePasswordOfAUrlOverwritten) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"smb://alice:geheim@nas/media", "smb://alice:xxxxxx@nas/media"},
      {"smb://alice:g/h@nas/media/a@b", "smb://alice:xxx@nas/media/a@b"},
      {"file://alice:geheim@nas/media", "file://alice:xxxxxx@nas/media"},
      {"smb://alice@nas:445/media/a@b", "smb://alice@nas:445/media/a@b"},
      {"smb://[::1]:445/media/a@b", "smb://[::1]:445/media/a@b"},
      {"//nas/media/a:b@c", "//nas/media/a:b@c"},
  };
  for (const auto& [before, after] : cases) {
    std::string text = before;
    scrub_url_password(text.data());
    EXPECT_EQ(text, after);
  }
}

TEST(Source, IsShownAsAUncPathWithSlashes) {
  EXPECT_EQ(to_string(source("nas", {}, "media", "")), "//nas/media");
  EXPECT_EQ(to_string(source("nas", 1445, "media", "films/old", "CORP", "alice")), "//nas:1445/media/films/old");
  EXPECT_EQ(to_string(source("fe80::1", 445, "media", "")), "//[fe80::1]:445/media");
}

}  // namespace
}  // namespace smb3fuse::fs
