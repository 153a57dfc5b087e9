// SPDX-License-Identifier: Apache-2.0
#include "fuse/credentials.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "fuse/passwords.h"

namespace smb3fuse::fs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = auth::Credentials::Kind;

constexpr const char* kNoTerminal = "/dev/null";
constexpr const char* kNoPassword =
    "no password is given and there is no terminal to ask on: use a credentials file (-o credentials=FILE), the "
    "variable PASSWD, or -o guest";

// A temporary folder, and an environment in which nothing speaks of users and passwords.
class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "smb3fuse-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    for (const char* name : {"PASSWD", "PASSWD_FD", "PASSWD_FILE"}) ::unsetenv(name);
    ::setenv("USER", "carol", 1);
  }
  ~CredentialsTest() override { std::filesystem::remove_all(folder_); }

  std::string file_with(std::string_view content, mode_t mode = 0600) {
    const std::filesystem::path path = folder_ / "nas.cred";
    std::ofstream(path, std::ios::binary) << content;
    ::chmod(path.c_str(), mode);
    return path.string();
  }

  Checked<auth::Credentials> complete(CredentialOptions options, const char* terminal = kNoTerminal) {
    return complete_credentials(std::move(options), "nas", warnings_, terminal);
  }

  static CredentialOptions from_file(std::string path) {
    CredentialOptions options;
    options.file = std::move(path);
    return options;
  }

  std::filesystem::path folder_;
  std::vector<std::string> warnings_;
};

using CredentialFileTest = CredentialsTest;

TEST_F(CredentialFileTest, IsReadAsMountCifsReadsIt) {
  struct Case {
    const char* content;
    std::optional<std::string> username;
    std::optional<std::string> password;
    std::optional<std::string> domain;
  };
  for (const Case& wanted : {
           Case{"username=alice\npassword=geheim\ndomain=CORP\n", "alice", "geheim", "CORP"},
           Case{"user=alice\npass=geheim\ndom=CORP", "alice", "geheim", "CORP"},
           Case{"workgroup=HOME", {}, {}, "HOME"},
           Case{"\xef\xbb\xbfusername=alice\r\npassword=geheim\r\n", "alice", "geheim", {}},
           Case{"  username=alice\n\t password=geheim\n", "alice", "geheim", {}},
           Case{"username =alice", "alice", {}, {}},
           Case{"password= a,b\"c'\\ d# = $x  \n", {}, " a,b\"c'\\ d# = $x  ", {}},
           Case{"password=päßwörd", {}, "päßwörd", {}},
           Case{"password=\n", {}, "", {}},
           Case{"# mine\n\n \t\r\nusername=alice\n#password=x\n", "alice", {}, {}},
           Case{"password=one\npassword=two\npassword2=three\npass2=four\n", {}, "two", {}},
           Case{"", {}, {}, {}},
       }) {
    const auto file = read_credential_file(file_with(wanted.content));
    ASSERT_TRUE(file) << file.error().sentence;
    EXPECT_EQ(file->username, wanted.username);
    EXPECT_EQ(file->domain, wanted.domain);
    ASSERT_EQ(file->password.has_value(), wanted.password.has_value()) << wanted.content;
    if (wanted.password) {
      EXPECT_EQ(file->password->text(), *wanted.password);
    }
    EXPECT_FALSE(file->readable_by_others);
  }
}

TEST_F(CredentialFileTest, IsRefusedWithTheLineThatIsWrong) {
  const std::string path = (folder_ / "nas.cred").string();
  const std::string quoted = "the credentials file '" + path + "'";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"username=alice\npasswrd=geheim\n",
       "line 2 of " + quoted + " sets 'passwrd', which is unknown; did you mean 'password'?"},
      {"\nuid=5\n", "line 2 of " + quoted + " sets 'uid', which is unknown: expected username=, password= or domain="},
      {"username=alice\ngeheim\n", "line 2 of " + quoted + " has no '=': expected username=, password= or domain="},
      {"\xff\xfeu\0s\0e\0r\0", quoted + " is not a text in UTF-8"},
      {std::string("password=a\0b", 12), quoted + " is not a text in UTF-8"},
      {std::string(64 * 1024 + 1, '#'), quoted + " is larger than 65536 bytes"},
  };
  for (const auto& [content, sentence] : cases) {
    const auto file = read_credential_file(file_with(content));
    ASSERT_FALSE(file) << sentence;
    EXPECT_EQ(file.error().sentence, sentence);
  }
}

TEST_F(CredentialFileTest, MayBeAsLargeAsTheLimit) {
  EXPECT_TRUE(read_credential_file(file_with(std::string(64 * 1024, '#'))));
}

TEST_F(CredentialFileTest, IsRefusedWhenItIsMissingOrAFolder) {
  const std::string missing = (folder_ / "missing").string();
  EXPECT_EQ(read_credential_file(missing).error().sentence,
            "cannot read the credentials file '" + missing + "': No such file or directory");
  EXPECT_EQ(read_credential_file(folder_.string()).error().sentence,
            "the credentials file '" + folder_.string() + "' is a folder");
}

TEST_F(CredentialFileTest, IsWarnedAboutWhenOthersCanReadIt) {
  for (const mode_t mode : {0640u, 0604u, 0644u}) {
    warnings_.clear();
    const std::string path = file_with("username=alice\npassword=geheim", mode);
    ASSERT_TRUE(complete(from_file(path)));
    EXPECT_THAT(warnings_, ElementsAre("the credentials file '" + path +
                                       "' can be read by other users: chmod 600 keeps it to you"));
  }
}

TEST_F(CredentialsTest, ComeFromTheOptionsFirst) {
  ::setenv("PASSWD", "environment", 1);
  CredentialOptions options = from_file(file_with("username=file\npassword=file\ndomain=FILE\n"));
  options.username = "alice";
  options.domain = "CORP";
  options.password = crypto::Secret(std::string_view("option"));
  const auto credentials = complete(std::move(options));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->kind, Kind::password);
  EXPECT_EQ(credentials->user, "alice");
  EXPECT_EQ(credentials->domain, "CORP");
  EXPECT_EQ(credentials->secret.text(), "option");
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(::getenv("PASSWD"), nullptr);
}

TEST_F(CredentialsTest, ComeFromTheFileNext) {
  ::setenv("PASSWD", "environment", 1);
  const auto credentials = complete(from_file(file_with("username=alice\npassword=file\ndomain=CORP\n")));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user, "alice");
  EXPECT_EQ(credentials->domain, "CORP");
  EXPECT_EQ(credentials->secret.text(), "file");
}

TEST_F(CredentialsTest, ComeFromTheEnvironmentThen) {
  ::setenv("PASSWD", "environment", 1);
  const auto credentials = complete({});
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user, "carol");
  EXPECT_EQ(credentials->domain, "");
  EXPECT_EQ(credentials->secret.text(), "environment");
}

TEST_F(CredentialsTest, FallBackToTheNameOfTheAccount) {
  ::unsetenv("USER");
  ::setenv("PASSWD", "geheim", 1);
  const auto credentials = complete({});
  if (const passwd* account = ::getpwuid(::getuid()); account != nullptr) {
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->user, account->pw_name);
  } else {
    EXPECT_EQ(credentials.error().sentence, "no user name is given: use -o username=NAME, or -o guest");
  }
}

TEST_F(CredentialsTest, TellTheDomainFromTheName) {
  struct Case {
    const char* username;
    const char* option;
    const char* user;
    const char* domain;
  };
  for (const Case& wanted : {Case{"CORP\\alice", "", "alice", "CORP"}, Case{"CORP/alice", "", "alice", "CORP"},
                             Case{"CORP\\alice", "HOME", "alice", "HOME"}, Case{"alice", "", "alice", "FILE"},
                             Case{"alice@corp.example", "HOME", "alice@corp.example", "HOME"}}) {
    CredentialOptions options = from_file(file_with("password=geheim\ndomain=FILE\n"));
    options.username = wanted.username;
    options.domain = wanted.option;
    const auto credentials = complete(std::move(options));
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->user, wanted.user);
    EXPECT_EQ(credentials->domain, wanted.domain);
  }
}

TEST_F(CredentialsTest, OfAGuestNeedNoPassword) {
  ::setenv("PASSWD", "geheim", 1);
  CredentialOptions options;
  options.kind = Kind::guest;
  const auto credentials = complete(std::move(options));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->kind, Kind::guest);
  EXPECT_EQ(credentials->user, "guest");
  EXPECT_TRUE(credentials->secret.empty());
  EXPECT_EQ(::getenv("PASSWD"), nullptr);
}

TEST_F(CredentialsTest, OfNobodyHaveNoName) {
  CredentialOptions options;
  options.kind = Kind::anonymous;
  options.username = "alice";
  const auto credentials = complete(std::move(options));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->kind, Kind::anonymous);
  EXPECT_EQ(credentials->user, "");
  EXPECT_TRUE(credentials->secret.empty());
}

TEST_F(CredentialsTest, AreRefusedInOneSentence) {
  EXPECT_EQ(complete({}).error().sentence, kNoPassword);
  EXPECT_EQ(complete({}, "/nonexistent/tty").error().sentence, kNoPassword);

  const auto with = [](const char* username, const char* password) {
    CredentialOptions options;
    options.username = username;
    options.password = crypto::Secret(std::string_view(password));
    return options;
  };
  EXPECT_EQ(complete(with("CORP\\", "x")).error().sentence, "no user name is given: use -o username=NAME, or -o guest");
  EXPECT_EQ(complete(with("\xff", "x")).error().sentence, "the user name is not valid UTF-8");
  EXPECT_EQ(complete(with("\xff\\alice", "x")).error().sentence, "the domain is not valid UTF-8");
  EXPECT_EQ(complete(with("alice", "\xff")).error().sentence, "the password is not valid UTF-8");
}

using EnvironmentPasswordTest = CredentialsTest;

TEST_F(EnvironmentPasswordTest, IsWipedWhereProcShowsIt) {
  ::setenv("PASSWD", "geheim", 1);
  const char* const place = ::getenv("PASSWD");
  const auto password = take_password_from_environment();
  ASSERT_TRUE(password && *password);
  EXPECT_EQ((*password)->text(), "geheim");
  EXPECT_EQ(*place, '\0');
  EXPECT_EQ(::getenv("PASSWD"), nullptr);
}

TEST_F(EnvironmentPasswordTest, IsTheFirstLineOfTheDescriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "geheim \r\nrest", 13), 13);  // the other end stays open: no waiting for its close
  ::setenv("PASSWD_FD", std::to_string(ends[0]).c_str(), 1);
  ::setenv("PASSWD_FILE", "/nonexistent", 1);
  const auto password = take_password_from_environment();
  ASSERT_TRUE(password && *password);
  EXPECT_EQ((*password)->text(), "geheim ");
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
  EXPECT_EQ(::getenv("PASSWD_FD"), nullptr);
  EXPECT_EQ(::getenv("PASSWD_FILE"), nullptr);
  ::close(ends[1]);
}

TEST_F(EnvironmentPasswordTest, IsTheFirstLineOfTheFile) {
  const std::string longest(1024, 'a');
  for (const std::string& content : {longest, longest + "\n", longest + "\r\nrest\n"}) {
    ::setenv("PASSWD_FILE", file_with(content).c_str(), 1);
    const auto password = take_password_from_environment();
    ASSERT_TRUE(password && *password);
    EXPECT_EQ((*password)->text(), longest);
  }
}

TEST_F(EnvironmentPasswordTest, IsRefusedInOneSentence) {
  const auto refusal = [](const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), 1);
    const auto password = take_password_from_environment();
    return password ? "accepted" : password.error().sentence;
  };
  EXPECT_EQ(refusal("PASSWD_FD", "five"), "PASSWD_FD is 'five': expected the number of an open file");
  EXPECT_EQ(refusal("PASSWD_FD", "1000000"),
            "cannot read a password from descriptor 1000000 (PASSWD_FD): Bad file descriptor");
  EXPECT_EQ(refusal("PASSWD_FILE", "/nonexistent"),
            "cannot read a password from '/nonexistent' (PASSWD_FILE): No such file or directory");
  const std::string path = file_with(std::string(1025, 'a'));
  EXPECT_EQ(refusal("PASSWD_FILE", path), "cannot read a password from '" + path + "' (PASSWD_FILE): Message too long");
}

TEST_F(EnvironmentPasswordTest, IsNoneWhereNoneIsSet) {
  const auto password = take_password_from_environment();
  ASSERT_TRUE(password);
  EXPECT_FALSE(*password);
}

// A terminal whose keyboard and screen the test has.
class Terminal {
 public:
  Terminal() : keyboard_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(::grantpt(keyboard_.number()), 0);
    EXPECT_EQ(::unlockpt(keyboard_.number()), 0);
    name_ = ::ptsname(keyboard_.number());
    line_ = ::open(name_.c_str(), O_RDWR | O_NOCTTY);  // held open, so that its settings outlive the prompt
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { ::close(line_); }

  const char* name() const { return name_.c_str(); }
  void type(std::string_view text) {
    EXPECT_EQ(::write(keyboard_.number(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void wait_for(std::string_view text) {
    while (screen_.find(text) == std::string::npos) {
      char more[256];
      const ssize_t count = ::read(keyboard_.number(), more, sizeof(more));
      ASSERT_GT(count, 0);
      screen_.append(more, static_cast<std::size_t>(count));
    }
  }
  const std::string& screen() const { return screen_; }
  bool echoes() const {
    termios settings{};
    EXPECT_EQ(::tcgetattr(line_, &settings), 0);
    return (settings.c_lflag & ECHO) != 0;
  }

 private:
  Descriptor keyboard_;
  std::string name_;
  int line_ = -1;
  std::string screen_;
};

using PromptTest = CredentialsTest;

TEST_F(PromptTest, AsksWithoutShowingWhatIsTyped) {
  Terminal terminal;
  std::thread user([&terminal] {
    terminal.wait_for("Password for alice on nas: ");
    EXPECT_FALSE(terminal.echoes());
    terminal.type("ge heim\n");
    terminal.wait_for("\n");
  });
  CredentialOptions options;
  options.username = "alice";
  const auto credentials = complete(std::move(options), terminal.name());
  user.join();
  ASSERT_TRUE(credentials) << credentials.error().sentence;
  EXPECT_EQ(credentials->secret.text(), "ge heim");
  EXPECT_EQ(terminal.screen(), "Password for alice on nas: \r\n");
  EXPECT_TRUE(terminal.echoes());
}

TEST_F(PromptTest, TurnsEchoOnAgainWhenASignalEndsIt) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Terminal terminal;
    const pid_t child = ::fork();
    if (child == 0) {
      (void)prompt_for_password("Password: ", terminal.name());
      ::_exit(0);
    }
    terminal.wait_for("Password: ");
    EXPECT_FALSE(terminal.echoes());
    ASSERT_EQ(::kill(child, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    EXPECT_TRUE(terminal.echoes());
  }
}

TEST_F(PromptTest, SaysThatItWasInterruptedWhereASignalDoesNotKill) {
  Terminal terminal;
  struct sigaction survive {};
  struct sigaction before {};
  survive.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGTERM, &survive, &before), 0);
  std::thread user([&terminal] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);  // the signal is for the one who asks
    terminal.wait_for("Password: ");
    ::kill(::getpid(), SIGTERM);
  });
  const auto password = prompt_for_password("Password: ", terminal.name());
  user.join();
  ::sigaction(SIGTERM, &before, nullptr);
  ASSERT_FALSE(password);
  EXPECT_EQ(password.error().sentence, "interrupted while waiting for the password");
  EXPECT_TRUE(terminal.echoes());
}

}  // namespace
}  // namespace smb3fuse::fs
