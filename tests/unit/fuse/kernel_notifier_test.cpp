// SPDX-License-Identifier: Apache-2.0
// What the kernel is told unasked: the notifier alone in front of a writer that the test holds, and with a session in
// front of a kernel that holds it.
#include "fuse/kernel_notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "fake_kernel.h"

namespace smb3fuse::fs {

inline bool operator==(const Notification& a, const Notification& b) {
  return a.kind == b.kind && a.node == b.node && a.name == b.name;
}
inline void PrintTo(const Notification& notification, std::ostream* out) {
  *out << static_cast<int>(notification.kind) << " of " << notification.node << " " << notification.name;
}

namespace test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;
using Kind = Notification::Kind;

// A notifier whose writer waits as long as it is held, and writes down what it is given.
class NotifierTest : public testing::Test {
 protected:
  ~NotifierTest() override { release(); }

  ssize_t write(int, std::span<const char> message) {
    std::unique_lock lock(mutex);
    ++writing;
    changed.notify_all();
    changed.wait(lock, [this] { return !held; });
    --writing;
    told.push_back(notification_of(std::string(message.data(), message.size())));
    changed.notify_all();
    errno = error;
    return error == 0 ? static_cast<ssize_t>(message.size()) : -1;
  }
  void hold() {
    const std::lock_guard lock(mutex);
    held = true;
  }
  void release() {
    const std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
  // A notification that the writer holds, so that what follows stays queued.
  void block() {
    hold();
    notifier.invalidate_attributes(99);
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 5s, [this] { return writing == 1; }));
  }
  // After `count` of them, without the one of block().
  std::vector<Notification> told_after(std::size_t count) {
    std::unique_lock lock(mutex);
    const auto all = [&] {
      const auto blocker = static_cast<std::size_t>(std::count(told.begin(), told.end(), kBlocker));
      return told.size() - blocker >= count;
    };
    EXPECT_TRUE(changed.wait_for(lock, 5s, all));
    std::vector<Notification> result = told;
    std::erase(result, kBlocker);
    return result;
  }
  // Runs the loop until `answers` has so many.
  void run_until_answers(std::size_t count) {
    const auto until = client::Clock::now() + 5s;
    while (answers.size() < count && client::Clock::now() < until) {
      context.restart();
      context.run_one_for(10ms);
    }
    ASSERT_EQ(answers.size(), count);
  }
  void settle() {
    context.restart();
    context.run_for(30ms);
  }
  KernelNotifier::Done answer() {
    return [this](bool was_told) { answers.push_back(was_told); };
  }

  static inline const Notification kBlocker{Kind::invalidate_attributes, 99, {}};

  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  int writing = 0;
  int error = 0;
  std::vector<Notification> told;
  std::vector<bool> answers;  // of all that were asked with answer()

  boost::asio::io_context context{1};
  client::AsioRuntime runtime{context};
  KernelNotifier notifier{runtime, 200ms,
                          [this](int descriptor, std::span<const char> message) { return write(descriptor, message); }};
};

TEST_F(NotifierTest, TellsInOrderAndAnswersOnTheLoop) {
  notifier.start(-1, true);
  notifier.invalidate_data(7, answer());
  notifier.invalidate_entry(1, "gone");
  notifier.expire_entry(1, "folder");
  notifier.invalidate_attributes(8);
  EXPECT_THAT(
      told_after(4),
      ElementsAre(Notification{Kind::invalidate_data, 7, {}}, Notification{Kind::invalidate_entry, 1, "gone"},
                  Notification{Kind::expire_entry, 1, "folder"}, Notification{Kind::invalidate_attributes, 8, {}}));
  EXPECT_THAT(answers, IsEmpty()) << "not before the loop's turn";
  run_until_answers(1);
  EXPECT_THAT(answers, ElementsAre(true));
  notifier.invalidate_entry(1, "more");
  const NotificationCounts& counts = notifier.counts();
  EXPECT_EQ(counts.data, 1U);
  EXPECT_EQ(counts.attributes, 1U);
  EXPECT_EQ(counts.names, 2U);
  EXPECT_EQ(counts.expired_names, 1U);
}

TEST_F(NotifierTest, TellsWhatWasAskedForBeforeItsStart) {
  notifier.invalidate_data(7, answer());
  notifier.start(-1, true);
  run_until_answers(1);
  EXPECT_THAT(told_after(1), ElementsAre(Notification{Kind::invalidate_data, 7, {}}));
}

TEST_F(NotifierTest, MergesWhatIsStillQueuedAndAnswersEach) {
  notifier.start(-1, true);
  block();
  notifier.invalidate_attributes(7);
  notifier.invalidate_entry(1, "a");
  notifier.invalidate_data(7, answer());
  notifier.invalidate_data(7, answer());
  notifier.invalidate_attributes(7);
  notifier.expire_entry(1, "a");
  notifier.invalidate_entry(1, "a");
  release();
  EXPECT_THAT(told_after(3),
              ElementsAre(Notification{Kind::invalidate_data, 7, {}}, Notification{Kind::invalidate_entry, 1, "a"},
                          Notification{Kind::expire_entry, 1, "a"}));
  run_until_answers(2);
  EXPECT_THAT(answers, ElementsAre(true, true));
}

TEST_F(NotifierTest, TellsAgainWhatIsAskedForWhileItIsBeingTold) {
  notifier.start(-1, true);
  hold();
  notifier.invalidate_data(7, answer());
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 5s, [this] { return writing == 1; }));
  }
  notifier.invalidate_data(7, answer());
  release();
  run_until_answers(2);
  EXPECT_EQ(told_after(2).size(), 2U);
}

TEST_F(NotifierTest, HasToldWhatTheKernelDoesNotKnow) {
  error = ENOENT;
  notifier.start(-1, true);
  notifier.invalidate_data(7, answer());
  run_until_answers(1);
  EXPECT_THAT(answers, ElementsAre(true));
}

TEST_F(NotifierTest, SaysWhatTheKernelRefused) {
  error = ENODEV;
  notifier.start(-1, true);
  notifier.invalidate_data(7, answer());
  run_until_answers(1);
  EXPECT_THAT(answers, ElementsAre(false));
}

TEST_F(NotifierTest, LosesPatienceAndStillTellsLater) {
  notifier.start(-1, true);
  block();
  notifier.invalidate_data(7, answer());
  notifier.invalidate_data(8, answer());
  run_until_answers(2);
  EXPECT_THAT(answers, ElementsAre(false, false));
  release();
  EXPECT_EQ(told_after(2).size(), 2U);
  settle();
  EXPECT_EQ(answers.size(), 2U) << "answered once";
}

TEST_F(NotifierTest, IsPatientAnewWithWhatIsAskedForInAnAnswer) {
  notifier.start(-1, true);
  block();
  notifier.invalidate_data(7, [this](bool) { notifier.invalidate_data(8, answer()); });
  notifier.invalidate_data(9, answer());
  run_until_answers(2);
  EXPECT_THAT(answers, ElementsAre(false, false));
}

TEST_F(NotifierTest, ExpiresNothingWhereTheKernelWouldInvalidate) {
  notifier.start(-1, false);
  notifier.expire_entry(1, "folder");
  notifier.invalidate_data(7, answer());
  run_until_answers(1);
  EXPECT_THAT(told_after(1), ElementsAre(Notification{Kind::invalidate_data, 7, {}}));
}

TEST_F(NotifierTest, DropsWhatIsQueuedWhenStopped) {
  notifier.start(-1, true);
  block();
  notifier.invalidate_data(7, answer());
  notifier.stop();
  notifier.invalidate_data(8, answer());
  EXPECT_FALSE(notifier.join(10ms)) << "its writer is held";
  release();
  EXPECT_TRUE(notifier.join(5s));
  settle();
  EXPECT_THAT(told_after(0), IsEmpty());
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(NotifierTest, AnswersNobodyAfterAStopInAnAnswer) {
  notifier.start(-1, true);
  block();
  notifier.invalidate_data(7, [this](bool) { notifier.stop(); });
  notifier.invalidate_data(7, answer());
  release();
  settle();
  EXPECT_THAT(answers, IsEmpty());
}

TEST(Notifier, AnswersNobodyWhenItIsGone) {
  boost::asio::io_context context{1};
  client::AsioRuntime runtime{context};
  int answers = 0;
  {
    std::atomic<bool> written = false;
    KernelNotifier notifier(runtime, 5s, [&written](int, std::span<const char> message) {
      written = true;
      return static_cast<ssize_t>(message.size());
    });
    notifier.start(-1, true);
    notifier.invalidate_data(7, [&answers](bool) { ++answers; });
    while (!written) usleep(100);
  }
  context.run_for(10ms);
  EXPECT_EQ(answers, 0);
}

TEST(Notifier, WaitsForRoomInASocketThatIsFull) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
  const std::string filler(4096, '.');
  int fillers = 0;
  while (send(ends[1], filler.data(), filler.size(), 0) > 0) ++fillers;
  boost::asio::io_context context{1};
  client::AsioRuntime runtime{context};
  std::vector<bool> answers;
  {
    KernelNotifier notifier(runtime);
    notifier.start(ends[1], true);
    notifier.invalidate_data(7, [&answers](bool told) { answers.push_back(told); });
    context.run_for(20ms);
    EXPECT_THAT(answers, IsEmpty());
    std::string message(filler.size(), 0);
    for (; fillers > 0; --fillers) ASSERT_GT(recv(ends[0], message.data(), message.size(), 0), 0);
    context.restart();
    context.run_one_for(5s);
    EXPECT_THAT(answers, ElementsAre(true));
    const ssize_t size = recv(ends[0], message.data(), message.size(), 0);
    ASSERT_GT(size, 0);
    EXPECT_EQ(notification_of(message.substr(0, static_cast<std::size_t>(size))),
              (Notification{Kind::invalidate_data, 7, {}}));
  }
  close(ends[0]);
  close(ends[1]);
}

class NotifiedSession : public testing::Test {
 protected:
  NotifiedSession() {
    share.put("a", "hello");
    kernel.init();
    node = kernel.lookup(kRootId, "a").nodeid;
    handle = kernel.open(node, O_RDONLY).as<fuse_open_out>().fh;
  }

  FakeKernel kernel;
  FakeShare& share = kernel.share;
  NodeId node = 0;
  std::uint64_t handle = 0;
};

TEST_F(NotifiedSession, NotifiesBesideItsReplies) {
  for (int i = 0; i < 100; ++i) {
    kernel.notifier.invalidate_entry(kRootId, std::to_string(i));
    EXPECT_EQ(kernel.read(node, handle, 0, 5).body, "hello");
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(kernel.notification(), (Notification{Kind::invalidate_entry, kRootId, std::to_string(i)}));
  }
}

TEST_F(NotifiedSession, ServesRequestsWhileTheKernelHoldsANotification) {
  kernel.hold_notifications();
  std::vector<bool> answers;
  kernel.notifier.invalidate_data(node, [&](bool told) { answers.push_back(told); });
  ASSERT_TRUE(kernel.holds_a_notification());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(kernel.read(node, handle, 0, 5).body, "hello");
    EXPECT_EQ(kernel.getattr(node).size, 5U);
    EXPECT_EQ(kernel.lookup(kRootId, "a").nodeid, node);
  }
  EXPECT_THAT(answers, IsEmpty());
  kernel.release_notifications();
  EXPECT_TRUE(kernel.wait_for([&] { return !answers.empty(); }));
  EXPECT_THAT(answers, ElementsAre(true));
  EXPECT_EQ(kernel.notification(), (Notification{Kind::invalidate_data, node, {}}));
}

// A notification that waits for requests that nobody is going to answer: one of the server's, and one not yet read.
TEST_F(NotifiedSession, EndsAlthoughANotificationWaitsForRequests) {
  share.hold();
  const std::uint64_t asked = kernel.send(FUSE_LOOKUP, kRootId, named("b"));
  kernel.settle();
  kernel.hold_notifications();
  kernel.notifier.invalidate_entry(kRootId, "b");
  ASSERT_TRUE(kernel.holds_a_notification());
  const std::uint64_t unread = kernel.send(FUSE_LOOKUP, kRootId, named("c"));
  std::set<std::uint64_t> failed;
  std::thread rest_of_the_kernel([&] {
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(kernel.socket(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    fuse_out_header header{};
    while (failed.size() < 2 && recv(kernel.socket(), &header, sizeof header, 0) == sizeof header) {
      if (header.error == -ECONNABORTED) failed.insert(header.unique);
    }
    kernel.release_notifications();
  });
  kernel.session.stop();
  EXPECT_TRUE(kernel.wait_for([this] { return kernel.ended; }));
  rest_of_the_kernel.join();
  EXPECT_THAT(failed, ElementsAre(asked, unread));
}

}  // namespace
}  // namespace test
}  // namespace smb3fuse::fs
