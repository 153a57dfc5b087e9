// SPDX-License-Identifier: Apache-2.0
// A share over several connections: what makes the next one, what is asked again, and what is told while there is none.
#include "smb/client/reconnecting_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smb/client/interrupt.h"
#include "smb/status.h"
#include "tests/support/manual_runtime.h"

namespace smb3fuse::client {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const std::error_code kDisconnected = make_error_code(NtStatus::STATUS_CONNECTION_DISCONNECTED);

// What all connections of a test write down.
struct Log {
  std::vector<std::string> asked;
  bool loses_next = false;  // the connection goes before the next answer
  std::error_code loss = kDisconnected;
};

class FakeConnection final : public Share {
 public:
  FakeConnection(Log& log, int number) : log_(log), number_(number) {}
  ~FakeConnection() override { log_.asked.push_back(name("end of")); }

  class FakeLease final : public Lease {
   public:
    explicit FakeLease(FakeConnection& share) : share_(share) {}
    ~FakeLease() override { share_.log_.asked.push_back(share_.name("give up lease of")); }
    Rights rights() const override { return {.read = !share_.lost, .write = false, .handle = false}; }

   private:
    FakeConnection& share_;
  };

  bool is_lost() const override { return lost; }
  std::unique_ptr<Lease> make_lease(Lease::Holder&) override {
    return grants ? std::make_unique<FakeLease>(*this) : nullptr;
  }
  std::shared_ptr<DirectoryRight> ask_directory_right(std::string, DirectoryRight::Holder&) override {
    log_.asked.push_back(name("watch"));
    return nullptr;
  }
  Task<Result<Attributes>> stat(std::string path) override { return made(name("stat " + path)); }
  Task<Result<OpenResult>> open(OpenRequest request) override {
    const bool is_ours = request.lease != nullptr && dynamic_cast<FakeLease*>(request.lease) != nullptr;
    const std::error_code error = answer(name("open " + request.path + (is_ours ? " with a lease" : "")));
    if (error) co_return tl::make_unexpected(error);
    co_return OpenResult{};
  }
  Task<Result<std::unique_ptr<DirectoryStream>>> open_directory(std::string path) override {
    const std::error_code error = answer(name("list " + path));
    if (error) co_return tl::make_unexpected(error);
    co_return nullptr;
  }
  Task<Result<Attributes>> make_directory(std::string path, std::uint32_t) override {
    return made(name("mkdir " + path));
  }
  Task<Result<Attributes>> make_special(std::string path, PosixAttributes) override {
    return made(name("mknod " + path));
  }
  Task<std::error_code> remove_file(std::string path, RemoveHint) override { return done(name("remove " + path)); }
  Task<std::error_code> remove_directory(std::string path) override { return done(name("rmdir " + path)); }
  Task<std::error_code> rename(std::string from, std::string, bool, Lease* lease) override {
    return done(name("rename " + from + (dynamic_cast<FakeLease*>(lease) != nullptr ? " with a lease" : "")));
  }
  Task<std::error_code> link(std::string path, std::string) override { return done(name("link " + path)); }
  Task<std::error_code> set_attributes(std::string path, AttributeChanges) override {
    return done(name("set " + path));
  }
  Task<Result<Attributes>> make_symlink(std::string path, std::string) override {
    return made(name("symlink " + path));
  }
  Task<Result<FileSystemInfo>> file_system_info() override {
    const std::error_code error = answer(name("space"));
    if (error) co_return tl::make_unexpected(error);
    co_return FileSystemInfo{};
  }
  Task<Result<PosixAcls>> posix_acls(std::string path) override {
    const std::error_code error = answer(name("acls " + path));
    if (error) co_return tl::make_unexpected(error);
    co_return PosixAcls{};
  }
  FileTime now() const override { return number_; }
  bool is_hidden_name(const std::string&) const override { return false; }
  std::uint32_t maximum_read() const override { return static_cast<std::uint32_t>(number_); }
  std::uint32_t maximum_write() const override { return 1; }
  bool case_sensitive() const override { return true; }
  bool has_posix_attributes() const override { return true; }
  bool has_posix_acls() const override { return true; }
  bool is_read_only() const override { return false; }
  const Attributes& root_attributes() const override { return root_; }
  ShareStatus status() const override { return {}; }

  bool lost = false;
  bool grants = true;

 private:
  std::string name(const std::string& what) const { return what + " " + std::to_string(number_); }
  std::error_code answer(std::string what) {
    log_.asked.push_back(std::move(what));
    if (std::exchange(log_.loses_next, false)) lost = true;
    return lost ? log_.loss : std::error_code();
  }
  Task<std::error_code> done(std::string what) { co_return answer(std::move(what)); }
  Task<Result<Attributes>> made(std::string what) {
    const std::error_code error = answer(std::move(what));
    if (error) co_return tl::make_unexpected(error);
    co_return Attributes{};
  }

  Log& log_;
  const int number_;
  Attributes root_;
};

class ReconnectingShareTest : public testing::Test, protected Lease::Holder, protected DirectoryRight::Holder {
 protected:
  ReconnectingShareTest() : share(runtime, make(), [this] { return connect(); }) {}

  template <class T>
  std::error_code ask(Task<T> task) {
    const auto answer = runtime.finish(std::move(task));
    EXPECT_TRUE(answer);
    if (!answer) return {};
    if constexpr (std::is_same_v<T, std::error_code>) {
      return *answer;
    } else {
      return *answer ? std::error_code() : answer->error();
    }
  }
  void lose() {
    current->lost = true;
    log.asked.clear();
  }
  std::vector<std::string> asked() { return std::exchange(log.asked, {}); }

  test::ManualRuntime runtime;
  Log log;
  FakeConnection* current = nullptr;  // the last that was made
  int made = 0;
  int attempts = 0;  // but the first
  std::optional<ConnectError> refusal;
  std::function<void(bool)> connecting;  // held: answered by the test
  bool hold = false;
  ReconnectingShare share;

 private:
  void handle_break(Rights, std::function<void()> done) override { done(); }
  void handle_right(DirectoryRight&) override {}
  bool handle_changes(DirectoryRight&, const std::vector<DirectoryRight::Change>&) override { return false; }
  void handle_loss(DirectoryRight&, std::function<void()> done) override { done(); }

  std::unique_ptr<FakeConnection> make() {
    auto connection = std::make_unique<FakeConnection>(log, ++made);
    current = connection.get();
    return connection;
  }
  Task<tl::expected<std::unique_ptr<Share>, ConnectError>> connect() {
    ++attempts;
    if (hold) {
      auto wait = [this](auto done) { connecting = std::move(done); };
      co_await callback<bool>(wait);
    }
    if (refusal) co_return tl::make_unexpected(*refusal);
    co_return make();
  }
};

TEST_F(ReconnectingShareTest, AsksItsConnectionAsLongAsItLives) {
  EXPECT_FALSE(ask(share.stat("a")));
  EXPECT_FALSE(ask(share.remove_file("a", {})));
  EXPECT_THAT(asked(), ElementsAre("stat a 1", "remove a 1"));
  EXPECT_EQ(attempts, 0);
  EXPECT_EQ(share.status().connections, 1U);
}

TEST_F(ReconnectingShareTest, MakesAnotherForWhateverIsAskedNext) {
  lose();
  EXPECT_TRUE(share.is_lost());
  EXPECT_FALSE(ask(share.make_directory("a", 0755)));
  EXPECT_THAT(asked(), ElementsAre("end of 1", "mkdir a 2"));
  EXPECT_FALSE(share.is_lost());
  EXPECT_EQ(share.maximum_read(), 2U);
  EXPECT_EQ(share.status().connections, 2U);
}

TEST_F(ReconnectingShareTest, AsksAgainWhatTheLossHasLeftUnanswered) {
  OpenRequest request;
  request.path = "a";
  log.loses_next = true;
  EXPECT_FALSE(ask(share.stat("a")));
  log.loses_next = true;
  EXPECT_FALSE(ask(share.open(request)));
  log.loses_next = true;
  EXPECT_FALSE(ask(share.open_directory("a")));
  log.loses_next = true;
  EXPECT_FALSE(ask(share.set_attributes("a", {})));
  log.loses_next = true;
  EXPECT_FALSE(ask(share.file_system_info()));
  EXPECT_EQ(attempts, 5);
  EXPECT_EQ(std::count_if(log.asked.begin(), log.asked.end(), [](const auto& each) { return each[0] != 'e'; }), 10);
}

TEST_F(ReconnectingShareTest, AsksAgainAfterAnAnswerThatMadeNoSenseAndNotAfterALongSilence) {
  log.loss = make_error_code(NtStatus::STATUS_INVALID_NETWORK_RESPONSE);
  log.loses_next = true;
  EXPECT_FALSE(ask(share.stat("a")));
  log.loss = make_error_code(NtStatus::STATUS_IO_TIMEOUT);
  log.loses_next = true;
  EXPECT_EQ(ask(share.stat("a")), NtStatus::STATUS_IO_TIMEOUT);
  EXPECT_EQ(attempts, 1);
}

// It may have been done, and would fail or do harm the second time.
TEST_F(ReconnectingShareTest, DoesNotRepeatAChange) {
  OpenRequest create;
  create.path = "a";
  create.disposition = Disposition::create;
  const std::function<std::error_code()> changes[] = {
      [&] { return ask(share.make_directory("a", 0755)); },
      [&] { return ask(share.remove_file("a", {})); },
      [&] { return ask(share.remove_directory("a")); },
      [&] { return ask(share.rename("a", "b", true, nullptr)); },
      [&] { return ask(share.link("a", "b")); },
      [&] { return ask(share.make_symlink("a", "b")); },
      [&] { return ask(share.open(create)); },
      [&] { return ask(share.make_special("a", {})); },
  };
  for (const auto& change : changes) {
    ASSERT_FALSE(ask(share.stat("a")));  // over a connection that lives
    asked();
    log.loses_next = true;
    EXPECT_EQ(change(), kDisconnected);
    EXPECT_EQ(asked().size(), 1U);
  }
}

TEST_F(ReconnectingShareTest, AsksTwiceAtMost) {
  lose();
  hold = true;
  log.loses_next = true;
  std::optional<Result<Attributes>> answer;
  spawn([](ReconnectingShare& where, std::optional<Result<Attributes>>& told) -> Task<void> {
    Result<Attributes> result = co_await where.stat("a");
    told.emplace(std::move(result));
  }(share, answer));
  connecting(true);
  log.loses_next = true;
  connecting(true);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error(), kDisconnected);
  EXPECT_EQ(attempts, 2);
}

TEST_F(ReconnectingShareTest, MakesOneConnectionForAllWhoWait) {
  lose();
  hold = true;
  int answered = 0;
  const auto look = [](ReconnectingShare& where, int& count) -> Task<void> {
    const Result<Attributes> result = co_await where.stat("a");
    count += result ? 1 : 0;
  };
  for (int i = 0; i < 3; ++i) spawn(look(share, answered));
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(answered, 0);
  connecting(true);
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(attempts, 1);
}

TEST_F(ReconnectingShareTest, WaitsForNobodyWhoIsInterrupted) {
  lose();
  hold = true;
  const auto interrupt = std::make_shared<Interrupt>();
  std::optional<std::error_code> told;
  spawn(
      [](ReconnectingShare& where, std::optional<std::error_code>& error) -> Task<void> {
        const Result<Attributes> result = co_await where.stat("a");
        error = result ? std::error_code() : result.error();
      }(share, told),
      interrupt);
  EXPECT_FALSE(told);
  interrupt->fire();
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, NtStatus::STATUS_CANCELLED);
  connecting(true);
  EXPECT_FALSE(ask(share.stat("a")));
  EXPECT_EQ(attempts, 1) << "the attempt was for the next one";
}

TEST_F(ReconnectingShareTest, PausesLongerAndLongerAfterFailures) {
  lose();
  refusal = ConnectError{ConnectStep::connect, make_error_code(std::errc::connection_refused), "nobody listens"};
  int expected = 0;
  for (const auto pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    EXPECT_EQ(ask(share.stat("a")), kDisconnected);
    EXPECT_EQ(attempts, ++expected);
    runtime.advance(pause - 1ms);
    EXPECT_EQ(ask(share.stat("a")), kDisconnected) << "at once";
    EXPECT_EQ(attempts, expected);
    runtime.advance(1ms);
  }
  refusal.reset();
  EXPECT_FALSE(ask(share.stat("a")));
  lose();
  refusal = ConnectError{ConnectStep::connect, make_error_code(std::errc::connection_refused), "nobody listens"};
  EXPECT_TRUE(ask(share.stat("a")));
  runtime.advance(1s);
  refusal.reset();
  EXPECT_FALSE(ask(share.stat("a"))) << "the pauses begin anew";
}

TEST_F(ReconnectingShareTest, DoesNotWearOutAPassword) {
  lose();
  refusal = ConnectError{ConnectStep::authenticate, make_error_code(NtStatus::STATUS_LOGON_FAILURE), "wrong password"};
  EXPECT_EQ(ask(share.stat("a")), NtStatus::STATUS_LOGON_FAILURE);
  runtime.advance(59s);
  EXPECT_EQ(ask(share.stat("a")), NtStatus::STATUS_LOGON_FAILURE);
  EXPECT_EQ(attempts, 1);
}

TEST_F(ReconnectingShareTest, HasOneLeaseOverAllConnections) {
  const std::unique_ptr<Lease> lease = share.make_lease(*this);
  EXPECT_TRUE(lease->rights().read);
  OpenRequest request;
  request.path = "a";
  request.lease = lease.get();
  EXPECT_FALSE(ask(share.open(request)));
  lose();
  EXPECT_FALSE(lease->rights().read);
  EXPECT_FALSE(ask(share.open(request)));
  EXPECT_FALSE(ask(share.rename("a", "b", true, lease.get())));
  EXPECT_THAT(asked(),
              ElementsAre("give up lease of 1", "end of 1", "open a with a lease 2", "rename a with a lease 2"));
  EXPECT_TRUE(lease->rights().read);
}

TEST_F(ReconnectingShareTest, MakesNoLeaseWhereNothingIsGranted) {
  current->grants = false;
  EXPECT_EQ(share.make_lease(*this), nullptr);
}

TEST_F(ReconnectingShareTest, WatchesNothingWithoutAConnection) {
  EXPECT_EQ(share.ask_directory_right("a", *this), nullptr);
  EXPECT_THAT(asked(), ElementsAre("watch 1"));
  lose();
  EXPECT_EQ(share.ask_directory_right("a", *this), nullptr);
  EXPECT_THAT(asked(), IsEmpty());
}

}  // namespace
}  // namespace smb3fuse::client
