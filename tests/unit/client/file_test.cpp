// SPDX-License-Identifier: Apache-2.0
// client::File over opens that answer when the test says so, with time and turns moved by hand.
#include "smb/client/file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>

#include "smb/status.h"

namespace smb3fuse::client {
namespace {

using std::chrono::milliseconds;

class HandRuntime final : public Runtime {
 public:
  TimePoint now() const override { return now_; }
  void post(std::function<void()> call) override { turns_.push_back(std::move(call)); }
  std::unique_ptr<Timer> make_timer() override { return std::make_unique<HandTimer>(*this); }

  void turn() {
    for (bool again = true; again;) {
      while (!turns_.empty()) {
        const auto call = std::move(turns_.front());
        turns_.pop_front();
        call();
      }
      again = false;
      for (HandTimer* timer : timers_) {
        if (!timer->call || timer->when > now_) continue;
        const auto call = std::exchange(timer->call, nullptr);
        call();
        again = true;
        break;
      }
    }
  }
  void pass(Duration time) {
    now_ += time;
    turn();
  }

 private:
  struct HandTimer final : Timer {
    explicit HandTimer(HandRuntime& owner) : runtime(owner) { runtime.timers_.push_back(this); }
    ~HandTimer() override { std::erase(runtime.timers_, this); }
    void expire_at(TimePoint at, std::function<void()> what) override {
      when = at;
      call = std::move(what);
    }
    void cancel() override { call = nullptr; }

    HandRuntime& runtime;
    TimePoint when;
    std::function<void()> call;
  };

  TimePoint now_{std::chrono::hours(1)};
  std::deque<std::function<void()>> turns_;
  std::vector<HandTimer*> timers_;
};

// The file on the server, and what it was asked, in words.
struct Server {
  std::error_code set_refused;  // what the changes beside a WRITE get

  struct Waiting {
    std::string what;
    std::function<void(std::error_code)> answer;
  };
  void ask(std::string what, std::function<void(std::error_code)> answer) {
    asked.push_back(what);
    waiting.push_back({std::move(what), std::move(answer)});
  }
  void answer(std::error_code error = {}) {
    const Waiting next = std::move(waiting.front());
    waiting.pop_front();
    next.answer(error);
  }

  std::string content;
  std::vector<std::string> asked;
  std::vector<std::string> at_close;  // what goes with a CLOSE
  std::deque<Waiting> waiting;
};

std::string words_of(const AttributeChanges& changes) {
  std::string words;
  if (changes.last_write_time) words += " mtime=" + std::to_string(*changes.last_write_time);
  if (changes.file_attributes) words += " attributes=" + std::to_string(*changes.file_attributes);
  if (changes.end_of_file) words += " size=" + std::to_string(*changes.end_of_file);
  return words;
}

class FakeOpen final : public Open {
 public:
  FakeOpen(Server& server, cache::BufferPool& pool) : server_(server), pool_(pool) {}

  void read(std::uint64_t offset, std::uint32_t length, ReadDone done) override {
    server_.ask("read " + std::to_string(offset) + "+" + std::to_string(length), [&server = server_, &pool = pool_,
                                                                                  offset, length,
                                                                                  done](std::error_code error) {
      const std::size_t from = std::min<std::size_t>(offset, server.content.size());
      const std::string bytes = server.content.substr(from, length);
      done(error, error ? cache::Buffer()
                        : pool.copy_of(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size())));
    });
  }
  void write(std::uint64_t offset, std::vector<cache::Buffer> data, Done done) override {
    start_write("write", "", offset, std::move(data), std::move(done));
  }
  void write_and_set(std::uint64_t offset, std::vector<cache::Buffer> data, AttributeChanges changes,
                     WriteAndSetDone done) override {
    start_write("write", " and set" + words_of(changes), offset, std::move(data),
                [&server = server_, done](std::error_code error) { done(error, error ? error : server.set_refused); });
  }
  void flush(Done done) override { server_.ask("flush", std::move(done)); }
  Task<Result<Attributes>> attributes() override {
    const std::error_code error =
        co_await callback<std::error_code>([&](auto done) { server_.ask("attributes", std::move(done)); });
    if (error) co_return tl::make_unexpected(error);
    Attributes attributes;
    attributes.end_of_file = server_.content.size();
    co_return attributes;
  }
  Task<std::error_code> set_attributes(AttributeChanges changes) override {
    const std::error_code error =
        co_await callback<std::error_code>([&](auto done) { server_.ask("set" + words_of(changes), std::move(done)); });
    if (!error && changes.end_of_file) server_.content.resize(*changes.end_of_file, '\0');
    co_return error;
  }
  void set_at_close(AttributeChanges changes) override { server_.at_close.push_back(words_of(changes)); }
  Task<std::error_code> zero(std::uint64_t, std::uint64_t) override { co_return std::error_code(); }
  Task<Result<std::vector<AllocatedRange>>> allocated_ranges(std::uint64_t, std::uint64_t) override {
    co_return std::vector<AllocatedRange>();
  }

 private:
  void start_write(std::string what, std::string rest, std::uint64_t offset, std::vector<cache::Buffer> data,
                   Done done) {
    std::string bytes;
    for (const cache::Buffer& each : data) bytes.append(each.bytes().begin(), each.bytes().end());
    server_.ask(what + " " + std::to_string(offset) + "+" + std::to_string(bytes.size()) + rest,
                [&server = server_, offset, bytes, done](std::error_code error) {
                  if (!error) {
                    server.content.resize(std::max(server.content.size(), offset + bytes.size()), '\0');
                    server.content.replace(offset, bytes.size(), bytes);
                  }
                  done(error);
                });
  }

  Server& server_;
  cache::BufferPool& pool_;
};

class FakeShare final : public Share {
 public:
  Task<Result<Attributes>> stat(std::string) override { co_return Attributes{}; }
  Task<Result<OpenResult>> open(OpenRequest) override { co_return OpenResult{}; }
  Task<Result<std::unique_ptr<DirectoryStream>>> open_directory(std::string) override { co_return nullptr; }
  Task<Result<Attributes>> make_directory(std::string) override { co_return Attributes{}; }
  Task<std::error_code> remove_file(std::string, RemoveHint) override { co_return std::error_code(); }
  Task<std::error_code> remove_directory(std::string) override { co_return std::error_code(); }
  Task<std::error_code> rename(std::string, std::string, bool) override { co_return std::error_code(); }
  Task<std::error_code> link(std::string, std::string) override { co_return std::error_code(); }
  Task<std::error_code> set_attributes(std::string, AttributeChanges) override { co_return std::error_code(); }
  Task<Result<Attributes>> make_symlink(std::string, std::string) override { co_return Attributes{}; }
  Task<Result<FileSystemInfo>> file_system_info() override { co_return FileSystemInfo{}; }
  FileTime now() const override { return time; }
  bool is_hidden_name(const std::string&) const override { return false; }
  std::uint32_t maximum_read() const override { return 1 << 20; }
  std::uint32_t maximum_write() const override { return 1 << 20; }
  bool case_sensitive() const override { return false; }
  bool is_read_only() const override { return false; }
  const Attributes& root_attributes() const override { return root_; }

  FileTime time = 1000;

 private:
  Attributes root_;
};

class FileTest : public testing::Test {
 protected:
  void TearDown() override { answer_all(); }

  struct Outcome {
    bool ended = false;
    std::error_code error;
    std::uint64_t end = 0;
    std::string bytes;
  };
  using Pending = std::shared_ptr<Outcome>;
  using Asked = std::vector<std::string>;

  Open& open(bool first_read = false, bool writable = true) {
    OpenResult result;
    result.open = std::make_unique<FakeOpen>(server, pool);
    result.attributes.end_of_file = server.content.size();
    if (first_read) {
      result.first = buffer_of(server.content);
      result.first_read_done = true;
    }
    file->add(result, true, writable);
    opens.push_back(std::move(result.open));
    return *opens.back();
  }
  void close(Open& open) {
    file->remove(open);
    std::erase_if(opens, [&](const auto& each) { return each.get() == &open; });
  }
  cache::Buffer buffer_of(std::string_view text) {
    return pool.copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  static std::string text_of(const File::ReadResult& result) {
    std::string text;
    for (const cache::Buffer& piece : result.pieces) text.append(piece.bytes().begin(), piece.bytes().end());
    return text;
  }

  Pending read(std::uint64_t offset, std::uint32_t length) {
    const auto outcome = std::make_shared<Outcome>();
    file->read(offset, length, [outcome](File::ReadResult result) {
      *outcome = {true, result.error, 0, text_of(result)};
    });
    return outcome;
  }
  Pending write(std::uint64_t offset, std::string_view text, bool write_through = false) {
    const auto outcome = std::make_shared<Outcome>();
    file->write(offset, buffer_of(text), write_through, [outcome](std::error_code error) {
      *outcome = {true, error, 0, {}};
    });
    EXPECT_FALSE(outcome->ended) << "a callback ran inside the call";
    runtime.turn();
    return outcome;
  }
  Pending append(std::string_view text) {
    const auto outcome = std::make_shared<Outcome>();
    file->append(buffer_of(text), false, [outcome](std::error_code error, std::uint64_t end) {
      *outcome = {true, error, end, {}};
    });
    runtime.turn();
    return outcome;
  }
  Pending flush(bool to_disk = false) { return run(file->flush(to_disk)); }
  Pending set(AttributeChanges changes) { return run(file->set_attributes(std::move(changes))); }
  Pending run(Task<std::error_code> task) {
    const auto outcome = std::make_shared<Outcome>();
    spawn(await(std::move(task), outcome));
    runtime.turn();
    return outcome;
  }
  static Task<void> await(Task<std::error_code> task, Pending outcome) {
    const std::error_code error = co_await task;
    outcome->error = error;
    outcome->ended = true;
  }
  void answer(std::error_code error = {}) {
    ASSERT_FALSE(server.waiting.empty());
    server.answer(error);
    runtime.turn();
  }
  void answer_all() {
    while (!server.waiting.empty()) answer();
  }

  static AttributeChanges mtime(FileTime time) {
    AttributeChanges changes;
    changes.last_write_time = time;
    return changes;
  }
  static AttributeChanges mode(std::uint32_t attributes) {
    AttributeChanges changes;
    changes.file_attributes = attributes;
    return changes;
  }
  static AttributeChanges size(std::uint64_t size) {
    AttributeChanges changes;
    changes.end_of_file = size;
    return changes;
  }

  HandRuntime runtime;
  cache::BufferPool pool;
  FakeShare share;
  Server server;
  std::vector<std::unique_ptr<Open>> opens;
  std::unique_ptr<File> file = std::make_unique<File>(runtime, pool, share);
};

TEST_F(FileTest, ReadsASmallFileWithoutARequestBesideItsOpen) {
  server.content = "small";
  open(true);
  File::ReadResult result;
  ASSERT_TRUE(file->try_read(0, 4096, result));
  EXPECT_EQ(text_of(result), "small");
  ASSERT_TRUE(file->try_read(5, 4096, result));
  EXPECT_EQ(text_of(result), "");
  EXPECT_EQ(server.asked, Asked{});
}

TEST_F(FileTest, SeesWhatOthersWroteBeforeANewOpen) {
  server.content = "old";
  open(true);
  server.content = "new";
  open();
  const Pending seen = read(0, 3);
  answer_all();
  EXPECT_EQ(seen->bytes, "new");
}

TEST_F(FileTest, DoesNotTakeTheFirstPieceOfAnOpenThatAWriteMayHaveOvertaken) {
  server.content = "before";
  open();
  write(0, "after!");
  flush();
  answer_all();
  server.content = "before";
  open(true);
  server.content = "after!";
  const Pending seen = read(0, 6);
  answer_all();
  EXPECT_EQ(seen->bytes, "after!");
}

TEST_F(FileTest, WritesFlushesAndSetsInOneMessageAtClose) {
  open();
  EXPECT_TRUE(write(0, "content")->ended);
  EXPECT_TRUE(set(mtime(77))->ended);
  EXPECT_TRUE(set(mode(1))->ended);
  const Pending flushed = flush();
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=77 attributes=1"});
  EXPECT_FALSE(flushed->ended);
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(flushed->error);
  EXPECT_FALSE(file->has_unsent());
}

TEST_F(FileTest, SetsAttributesOnlyAfterWritesInFlight) {
  open();
  write(0, std::string(1 << 20, 'x'));
  set(mtime(77));
  const Pending flushed = flush();
  EXPECT_EQ(server.asked, Asked{"write 0+1048576"});
  answer();
  EXPECT_EQ(server.asked.back(), "set mtime=77");
  EXPECT_FALSE(flushed->ended);
  answer();
  EXPECT_TRUE(flushed->ended);
}

TEST_F(FileTest, SetsAttributesAtOnceWhereNothingWasWritten) {
  open();
  const Pending done = set(mtime(77));
  EXPECT_EQ(server.asked, Asked{"set mtime=77"});
  EXPECT_FALSE(done->ended);
  answer(NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(done->error, make_error_code(NtStatus::STATUS_ACCESS_DENIED));
}

TEST_F(FileTest, SendsChangesThatNobodyFlushesAfterASecond) {
  open();
  write(0, std::string(1 << 20, 'x'));
  answer();
  EXPECT_TRUE(set(mtime(77))->ended);
  EXPECT_EQ(server.asked.size(), 1u);
  runtime.pass(milliseconds(1000));
  EXPECT_EQ(server.asked.back(), "set mtime=77");
  answer(NtStatus::STATUS_ACCESS_DENIED);
  EXPECT_EQ(flush()->error, make_error_code(NtStatus::STATUS_ACCESS_DENIED)) << "told by the next flush";
  EXPECT_FALSE(flush()->error) << "once";
}

TEST_F(FileTest, LetsAWriteMoveATimeThatWasSetBeforeIt) {
  open();
  write(0, "one");
  set(mtime(77));
  write(3, "two");
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  flush();
  EXPECT_EQ(server.asked, Asked{"write 0+6 and set mtime=1000"});
}

TEST_F(FileTest, TheTimeOfWritingRidesOnTheLastWriteOfAFlush) {
  Open& only = open();
  write(0, "content");
  share.time = 2000;
  const Pending flushed = flush();
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=1000"}) << "when it was written, not when it was sent";
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  EXPECT_TRUE(file->is_ahead());
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(file->is_ahead());
  flush();
  close(only);
  EXPECT_EQ(server.asked.size(), 1u) << "told once";
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TheTimeOfWritingGoesWithTheCloseWhenNothingWasLeftToWrite) {
  Open& only = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  const Pending flushed = flush();
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_EQ(server.asked, Asked{"write 0+7"});
  EXPECT_FALSE(file->has_unsent());
  EXPECT_TRUE(file->is_ahead());
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  EXPECT_EQ(file->seen_through({}).change_time, 1000);
  close(only);
  EXPECT_EQ(server.at_close, Asked{" mtime=1000"});
  EXPECT_FALSE(file->is_ahead());
}

TEST_F(FileTest, NoTimeIsToldWhereNothingWasWritten) {
  Open& only = open();
  EXPECT_TRUE(flush()->ended);
  EXPECT_FALSE(file->is_ahead());
  close(only);
  EXPECT_EQ(server.asked, Asked{});
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TimesSetByTheProgramAreNotOverwrittenByTheTimeOfWriting) {
  Open& only = open();
  write(0, "content");
  set(mtime(77));
  flush();
  answer_all();
  close(only);
  EXPECT_EQ(server.asked, Asked{"write 0+7 and set mtime=77"});
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TimesSetByTheProgramAfterTheLastWriteCancelTheTimeAtTheClose) {
  Open& only = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  flush();
  answer();
  const Pending done = set(mtime(77));
  answer();
  EXPECT_TRUE(done->ended);
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set mtime=77"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, WritesAfterUtimesMoveTheTimeAgain) {
  open();
  const Pending done = set(mtime(77));
  write(0, "content");
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000) << "though 77 is still on its way";
  answer();
  EXPECT_TRUE(done->ended);
  flush();
  EXPECT_EQ(server.asked, (Asked{"set mtime=77", "write 0+7 and set mtime=1000"}));
}

TEST_F(FileTest, AWriteBehindTheLastOfAFlushHasItsOwnTime) {
  Open& only = open();
  write(0, "one");
  const Pending flushed = flush();
  share.time = 2000;
  write(3, "two");
  EXPECT_EQ(file->seen_through({}).last_write_time, 2000);
  runtime.pass(milliseconds(5));
  answer_all();
  EXPECT_TRUE(flushed->ended);
  EXPECT_EQ(server.asked, (Asked{"write 0+3 and set mtime=1000", "write 3+3"}));
  EXPECT_TRUE(file->is_ahead());
  flush();
  close(only);
  EXPECT_EQ(server.at_close, Asked{" mtime=2000"});
}

TEST_F(FileTest, OtherChangesTakeTheTimeOfWritingAlong) {
  Open& only = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  answer();
  set(mode(1));
  flush();
  answer_all();
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set mtime=1000 attributes=1"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TheTimeOfAWriteThatFailedGoesWithTheClose) {
  Open& only = open();
  write(0, "content");
  const Pending flushed = flush();
  answer(NtStatus::STATUS_DISK_FULL);
  EXPECT_EQ(flushed->error, make_error_code(NtStatus::STATUS_DISK_FULL));
  EXPECT_FALSE(flush()->error);
  EXPECT_EQ(server.asked.size(), 1u) << "nothing is tried again by itself";
  close(only);
  EXPECT_EQ(server.at_close, Asked{" mtime=1000"});
}

TEST_F(FileTest, AFailedWriteDoesNotUndoUtimes) {
  Open& only = open();
  write(0, "content");
  const Pending flushed = flush();
  set(mtime(77));
  answer(NtStatus::STATUS_DISK_FULL);
  answer_all();
  EXPECT_EQ(flushed->error, make_error_code(NtStatus::STATUS_DISK_FULL));
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7 and set mtime=1000", "set mtime=77"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, TheLastOfTwoWritableOpensTellsTheTime) {
  Open& first = open();
  Open& second = open();
  write(0, "content");
  runtime.pass(milliseconds(5));
  answer();
  close(first);
  EXPECT_EQ(server.at_close, Asked{});
  share.time = 2000;
  write(7, "more");
  runtime.pass(milliseconds(5));
  answer();
  close(second);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "write 7+4"}));
  EXPECT_EQ(server.at_close, Asked{" mtime=2000"});
}

TEST_F(FileTest, TheLastWritableOpenTellsTheTimeThoughReadersRemain) {
  Open& writer = open();
  open(false, false);
  write(0, "content");
  runtime.pass(milliseconds(5));
  answer();
  close(writer);
  EXPECT_EQ(server.at_close, Asked{" mtime=1000"});
  EXPECT_FALSE(file->is_ahead());
}

TEST_F(FileTest, WritesAgainWithItsTimeWhenItsOpenWasClosedMeanwhile) {
  Open& first = open();
  open();
  write(0, "content");
  const Pending flushed = flush();
  file->remove(first);
  answer(NtStatus::STATUS_FILE_CLOSED);
  EXPECT_FALSE(flushed->ended);
  EXPECT_EQ(server.asked, (Asked{"write 0+7 and set mtime=1000", "write 0+7 and set mtime=1000"}));
  answer();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(flushed->error);
  EXPECT_FALSE(file->is_ahead());
}

TEST_F(FileTest, AYoungerWriteKeepsItsTimeWhenAnOlderOneIsSentAgain) {
  Open& first = open();
  Open& second = open();
  write(0, "content");
  flush();
  share.time = 2000;
  write(7, "more");
  file->remove(first);
  answer(NtStatus::STATUS_FILE_CLOSED);
  EXPECT_EQ(server.asked.back(), "write 0+7") << "no longer the last one";
  EXPECT_EQ(file->seen_through({}).last_write_time, 2000);
  runtime.pass(milliseconds(5));
  answer_all();
  close(second);
  EXPECT_EQ(server.at_close, Asked{" mtime=2000"});
}

TEST_F(FileTest, ATruncateTellsItsTime) {
  server.content = "content";
  Open& only = open();
  set(mtime(77));
  answer();
  const Pending done = set(size(4));
  EXPECT_EQ(server.asked.back(), "set mtime=1000 size=4") << "an open whose time was set moves it no more by itself";
  EXPECT_EQ(file->seen_through({}).last_write_time, 1000);
  answer();
  EXPECT_TRUE(done->ended);
  close(only);
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, ATruncateCarriesTheTimesThatAreSetWithIt) {
  Open& only = open();
  write(0, "content");
  AttributeChanges both = size(4);
  both.last_write_time = 77;
  set(both);
  answer_all();
  close(only);
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set mtime=77 size=4"}));
  EXPECT_EQ(server.at_close, Asked{});
}

TEST_F(FileTest, AWriteBehindATruncateTellsItsTimeItself) {
  open();
  write(0, "content");
  set(size(4));
  share.time = 2000;
  write(4, "more");
  flush();
  answer();
  EXPECT_EQ(server.asked, (Asked{"write 0+7", "set size=4"}));
  answer();
  EXPECT_EQ(server.asked.back(), "write 4+4 and set mtime=2000");
}

TEST_F(FileTest, ShowsAttributesThroughWhatIsNotSent) {
  open();
  write(10, "unsent");
  Attributes from_server;
  from_server.last_write_time = 5;
  EXPECT_EQ(file->seen_through(from_server).end_of_file, 16u);
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 1000);
  set(mtime(77));
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 77);
  const Pending flushed = flush();
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 77);
  answer_all();
  EXPECT_EQ(file->seen_through(from_server).last_write_time, 5);
}

TEST_F(FileTest, TruncatesAfterTheWritesBefore) {
  open();
  write(0, "0123456789");
  const Pending done = set(size(4));
  EXPECT_EQ(file->seen_through({}).end_of_file, 10u) << "our own bytes are still on their way";
  EXPECT_EQ(server.asked, Asked{"write 0+10"});
  answer();
  EXPECT_EQ(file->seen_through({}).end_of_file, 4u);
  EXPECT_EQ(server.asked.back(), "set mtime=1000 size=4");
  answer();
  EXPECT_TRUE(done->ended);
  EXPECT_EQ(server.content, "0123");
}

TEST_F(FileTest, LosesNothingOnAServerThatRefusesToBeToldTheTime) {
  server.set_refused = make_error_code(NtStatus::STATUS_ACCESS_DENIED);
  open();
  write(0, "kept");
  const Pending flushed = flush();
  answer_all();
  EXPECT_TRUE(flushed->ended);
  EXPECT_FALSE(flushed->error);
  EXPECT_EQ(server.content, "kept");
}

TEST_F(FileTest, TellsAtTheFlushThatTheProgramsTimesWereRefused) {
  server.set_refused = make_error_code(NtStatus::STATUS_ACCESS_DENIED);
  open();
  write(0, "kept");
  set(mtime(77));
  const Pending flushed = flush();
  answer_all();
  EXPECT_EQ(flushed->error, server.set_refused);
  EXPECT_EQ(server.content, "kept");
}

TEST_F(FileTest, AppendsWhereTheOpenSaidThatTheFileEndsAndWaitsUntilItIsThere) {
  server.content = "log:";
  open();
  const Pending done = append("one ");
  EXPECT_EQ(server.asked, Asked{"write 4+4"});
  EXPECT_FALSE(done->ended) << "another client that appends now has to find it";
  answer();
  EXPECT_TRUE(done->ended);
  EXPECT_EQ(done->end, 8u);
}

TEST_F(FileTest, AsksWhereTheFileEndsBeforeEachLaterAppend) {
  server.content = "log:";
  open();
  append("one ");
  answer_all();
  server.content += "others ";
  const Pending later = append("two ");
  const Pending next = append("three");
  EXPECT_EQ(server.asked.back(), "attributes");
  answer_all();
  EXPECT_TRUE(later->ended && next->ended);
  EXPECT_EQ(server.content, "log:one others two three");
}

TEST_F(FileTest, DoesNotTrustTheOpenForLongWhenItAppends) {
  server.content = "log:";
  open();
  server.content += "others ";
  runtime.pass(milliseconds(2));
  append("late");
  EXPECT_EQ(server.asked, Asked{"attributes"});
  answer_all();
  EXPECT_EQ(server.content, "log:others late");
}

TEST_F(FileTest, LetsBulkAppendsFollowOneAnotherWithoutAsking) {
  open();
  const std::string bulk(std::size_t{64} << 10, 'x');
  const Pending first = append(bulk);
  const Pending second = append(bulk);
  EXPECT_TRUE(first->ended && second->ended);
  EXPECT_EQ(second->end, 2 * bulk.size());
  flush();
  answer_all();
  EXPECT_EQ(server.content.size(), 2 * bulk.size());
  for (const std::string& asked : server.asked) EXPECT_NE(asked, "attributes");
}

TEST_F(FileTest, EndsAWriteThroughOnceItIsOnDisk) {
  open();
  const Pending done = write(0, "durable", true);
  EXPECT_EQ(server.asked, Asked{"write 0+7"});
  answer();
  EXPECT_EQ(server.asked.back(), "flush");
  EXPECT_FALSE(done->ended);
  answer();
  EXPECT_TRUE(done->ended);
}

TEST_F(FileTest, TellsAWriteErrorAtTheFlush) {
  open();
  EXPECT_TRUE(write(0, "lost")->ended);
  const Pending flushed = flush();
  answer(NtStatus::STATUS_DISK_FULL);
  EXPECT_EQ(flushed->error, make_error_code(NtStatus::STATUS_DISK_FULL));
  EXPECT_FALSE(flush()->error);
}

TEST_F(FileTest, ReadsAgainThroughAnotherOpenWhenItsOwnWasClosedMeanwhile) {
  server.content = "content";
  Open& first = open();
  open();
  const Pending seen = read(0, 7);
  file->remove(first);
  answer(NtStatus::STATUS_FILE_CLOSED);
  EXPECT_FALSE(seen->ended);
  answer();
  EXPECT_EQ(seen->bytes, "content");
}

TEST_F(FileTest, SendsASmallWriteAfterAFewMillisecondsWithoutAFlush) {
  open();
  write(0, "soon");
  runtime.pass(milliseconds(4));
  EXPECT_EQ(server.asked, Asked{});
  runtime.pass(milliseconds(1));
  EXPECT_EQ(server.asked, Asked{"write 0+4"});
}

TEST_F(FileTest, MayBeDestroyedWithEverythingUnderWay) {
  server.content = std::string(4096, 'x');
  open();
  read(0, 4096);
  write(0, "unsent");
  append("more");
  file.reset();
  runtime.turn();
  answer_all();
}

}  // namespace
}  // namespace smb3fuse::client
