// SPDX-License-Identifier: Apache-2.0
// The control socket over a real one in a temporary folder: who is told, who is not, and that nobody can hold it up.
#include "fuse/control_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "fuse/control_client.h"
#include "fuse/control_folder.h"

namespace smb3fuse::fs {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() {
    std::string pattern = testing::TempDir() + "/control-XXXXXX";
    root = mkdtemp(pattern.data());
    folder = root + "/smb3fuse";
    path = folder + "/0-47.socket";
  }
  ~ControlSocketTest() override {
    socket.reset();
    run_for(1ms);
    std::filesystem::remove_all(root);
  }

  tl::expected<void, std::string> open(std::vector<std::string> folders = {}) {
    socket = std::make_unique<ControlSocket>(context, [this] {
      ++told;
      return text;
    });
    if (folders.empty()) folders.push_back(folder);
    return socket->open(folders, "0:47");
  }
  void run_for(std::chrono::milliseconds time) {
    context.restart();
    context.run_for(time);
  }
  // The client blocks, so it has a thread of its own; the loop runs here.
  tl::expected<std::string, ControlError> ask(std::chrono::milliseconds patience = 5s) {
    std::optional<tl::expected<std::string, ControlError>> answer;
    std::atomic<bool> done = false;
    std::thread asking([&] {
      answer = ask_control_socket(path, geteuid(), patience);
      done = true;
    });
    while (!done) run_for(1ms);
    asking.join();
    return *answer;
  }
  // Somebody who connects, and then does whatever the test likes.
  int connected() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return made;
  }

  boost::asio::io_context context{1};
  std::string root;
  std::string folder;
  std::string path;
  std::string text = "{}";
  int told = 0;
  std::unique_ptr<ControlSocket> socket;
};

TEST_F(ControlSocketTest, TellsWhoConnects) {
  text = std::string(300'000, 'x') + "end";
  ASSERT_TRUE(open());
  EXPECT_EQ(ask(), text);
  text = "another";
  EXPECT_EQ(ask(), "another");
  EXPECT_EQ(told, 2);
}

TEST_F(ControlSocketTest, IsForItsUserAlone) {
  ASSERT_TRUE(open());
  struct stat found {};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode, S_IFSOCK | 0600U);
  ASSERT_EQ(stat(folder.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode, S_IFDIR | 0700U);
}

TEST_F(ControlSocketTest, IsGoneAtTheEndUnlessItIsAnothersAlready) {
  ASSERT_TRUE(open());
  socket.reset();
  EXPECT_FALSE(std::filesystem::exists(path));

  ASSERT_TRUE(open());
  const auto first = std::move(socket);
  ASSERT_TRUE(open()) << "a name is taken over";
  const auto second = std::move(socket);
  EXPECT_EQ(ask(), "{}");
  const_cast<std::unique_ptr<ControlSocket>&>(first).reset();
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(ask(), "{}");
}

TEST_F(ControlSocketTest, TakesAwayWhatDeadDaemonsLeft) {
  ASSERT_TRUE(make_control_folder(folder));
  for (const char* name : {"/0-46.socket", "/0-47.socket"}) {
    const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder + name).copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    close(dead);
  }
  EXPECT_EQ(ask(), tl::make_unexpected(ControlError::missing));
  ASSERT_TRUE(open());
  EXPECT_EQ(ask(), "{}");
  EXPECT_FALSE(std::filesystem::exists(folder + "/0-46.socket"));
  ControlSocket other(context, [] { return std::string(); });
  ASSERT_TRUE(other.open({folder}, "0:48"));
  EXPECT_EQ(ask(), "{}") << "what somebody listens on stays";
}

TEST_F(ControlSocketTest, LiesInTheFirstFolderThatIsOursAlone) {
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  chmod(folder.c_str(), 0755);
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("not this user's alone"));

  std::filesystem::create_directory_symlink(root, root + "/link");
  chmod(root.c_str(), 0700);
  const std::string far = root + "/" + std::string(120, 'x');
  const auto opened = open({folder, root + "/link", root + "/no/such", far, root + "/fit"});
  ASSERT_TRUE(opened) << opened.error();
  path = root + "/fit/0-47.socket";
  EXPECT_EQ(ask(), "{}");
}

TEST_F(ControlSocketTest, HangsUpOnWhoIsSlow) {
  text = std::string(std::size_t{8} << 20, 'x');  // more than the kernel takes for who does not read
  ASSERT_TRUE(open());
  const int slow = connected();
  run_for(50ms);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(), tl::make_unexpected(ControlError::unreadable)) << "others are told meanwhile";
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  run_for(2100ms);
  std::size_t got = 0;
  std::array<char, 65536> part;
  for (ssize_t size = 0; (size = recv(slow, part.data(), part.size(), MSG_DONTWAIT)) > 0;) {
    got += static_cast<std::size_t>(size);
  }
  EXPECT_LT(got, text.size());
  EXPECT_EQ(recv(slow, part.data(), 1, MSG_DONTWAIT), 0) << "it was hung up on";
  close(slow);
}

TEST_F(ControlSocketTest, ServesAFewAtOnceAndThenOthersAgain) {
  const std::string large(std::size_t{8} << 20, 'x');
  text = large;
  ASSERT_TRUE(open());
  std::vector<int> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(connected());
    run_for(5ms);
  }
  EXPECT_EQ(told, 4) << "nothing is made for more";
  EXPECT_EQ(ask(), tl::make_unexpected(ControlError::busy));
  for (const int each : slow) close(each);
  run_for(50ms);
  text = "again";
  EXPECT_EQ(ask(), "again");
}

TEST_F(ControlSocketTest, DoesNotListen) {
  ASSERT_TRUE(open());
  const int talker = connected();
  const std::string garbage(100'000, '\xff');
  send(talker, garbage.data(), garbage.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  run_for(50ms);
  EXPECT_EQ(ask(), "{}");
  close(talker);
}

TEST_F(ControlSocketTest, MayEndWhileItServes) {
  text = std::string(std::size_t{8} << 20, 'x');
  ASSERT_TRUE(open());
  const int slow = connected();
  run_for(20ms);
  socket.reset();
  run_for(20ms);
  EXPECT_EQ(context.poll(), 0U) << "nothing is left on the loop";
  close(slow);
}

TEST_F(ControlSocketTest, IsNotAskedForEver) {
  ASSERT_TRUE(make_control_folder(folder));
  const int mute = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(mute, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(mute, 4), 0);
  EXPECT_EQ(ask(50ms), tl::make_unexpected(ControlError::silent));
  EXPECT_EQ(ask_control_socket(path, geteuid() + 1, 1s), tl::make_unexpected(ControlError::stranger));
  EXPECT_EQ(ask_control_socket(root + "/none", geteuid(), 1s), tl::make_unexpected(ControlError::missing));
  close(mute);
}

}  // namespace
}  // namespace smb3fuse::fs
