// SPDX-License-Identifier: Apache-2.0
// Seeded random reads, writes, truncates, flushes and changes of access, carried out and answered in random order,
// against an oracle. SMB3FUSE_RANDOM_RUNS and SMB3FUSE_RANDOM_SEED ask for more and for others.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "tests/unit/cache/cache_fixture.h"

namespace smb3fuse::cache {
namespace {

constexpr int kNoByte = -1;  // beyond the end of the file
constexpr std::size_t kSpace = 200;

// Which values a read that begins now may see of each byte, and of a read under way what it may have seen so far.
class Oracle {
 public:
  using Values = std::vector<std::set<int>>;

  struct Read {
    std::uint64_t offset;
    Values allowed;
    CacheTest::Pending answer;
  };

  // WRITEs are carried out in any order, so a read under way may find a hole between what the server has and them.
  void write(std::uint64_t offset, std::string_view text, std::size_t server_size) {
    for (std::size_t i = server_size; i < offset + text.size(); ++i) allow_reads(i, {0});
    for (std::size_t i = exact_.size(); i < offset; ++i) set(i, 0);
    if (exact_.size() < offset + text.size()) exact_.resize(offset + text.size(), '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
      exact_[offset + i] = text[i];
      set(offset + i, static_cast<unsigned char>(text[i]));
    }
  }
  void begin_truncate(std::uint64_t size) {
    ++truncates_;
    for (std::size_t i = size; i < kSpace; ++i) allow(i, {0, kNoByte});
    for (std::size_t i = exact_.size(); i < size; ++i) allow(i, {0});
    exact_.resize(size, '\0');
  }
  void end_truncate() {
    if (--truncates_ > 0) return;
    for (std::size_t i = 0; i < kSpace; ++i) now_[i] = {exact(i)};
  }
  void begin_read(std::uint64_t offset, std::uint32_t length, CacheTest::Pending answer) {
    const auto from = now_.begin() + static_cast<std::ptrdiff_t>(offset);
    reads_.push_back({offset, Values(from, from + length), std::move(answer)});
  }
  void check_answers() {
    std::erase_if(reads_, [](const Read& read) {
      if (!read.answer->answered) return false;
      const std::string& bytes = read.answer->bytes;
      EXPECT_FALSE(read.answer->error);
      EXPECT_LE(bytes.size(), read.allowed.size());
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_TRUE(read.allowed[i].contains(static_cast<unsigned char>(bytes[i])))
            << "byte " << read.offset + i << " is " << int{static_cast<unsigned char>(bytes[i])} << " not "
            << testing::PrintToString(read.allowed[i]);
      }
      if (bytes.size() < read.allowed.size()) {
        EXPECT_TRUE(read.allowed[bytes.size()].contains(kNoByte)) << "too short at " << read.offset + bytes.size();
      }
      return true;
    });
  }
  bool has_reads() const { return !reads_.empty(); }
  const std::string& content() const { return exact_; }

 private:
  int exact(std::size_t at) const { return at < exact_.size() ? static_cast<unsigned char>(exact_[at]) : kNoByte; }
  void set(std::size_t at, int value) {
    if (truncates_ == 0) now_[at].clear();
    allow(at, {value});
  }
  void allow(std::size_t at, std::initializer_list<int> values) {
    now_[at].insert(values);
    allow_reads(at, values);
  }
  void allow_reads(std::size_t at, std::initializer_list<int> values) {
    for (Read& read : reads_) {
      if (at >= read.offset && at - read.offset < read.allowed.size()) read.allowed[at - read.offset].insert(values);
    }
  }

  std::string exact_;
  Values now_ = Values(kSpace, {kNoByte});
  std::vector<Read> reads_;
  int truncates_ = 0;
};

class RandomCacheTest : public CacheTest {
 protected:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_()) % below; }

  void start_something() {
    const std::uint64_t offset = pick(3) == 0 ? next_ : pick(120);
    const auto length = static_cast<std::uint32_t>(1 + pick(40));
    switch (pick(12)) {
      case 0:
        oracle_.begin_truncate(offset);
        truncates_.push_back(truncate(offset));
        break;
      case 1:
        others_.push_back(flush(pick(2) == 0));
        break;
      case 2:
        if (pick(4) == 0) others_.push_back(change_access(static_cast<Access>(pick(3))));
        if (pick(4) == 0) cache->set_reader_keeps(pick(2) == 0);
        break;
      case 3:
        cache->forget_fetched();
        break;
      case 4:
      case 5:
      case 6:
      case 7: {
        std::string text(length, '\0');
        for (char& each : text) each = static_cast<char>(++stamp_ % 255 + 1);
        oracle_.write(offset, text, remote.content.size());
        others_.push_back(write(offset, text));
        next_ = (offset + length) % 120;
        break;
      }
      default:
        if (pick(3) == 0) {
          ReadResult result;
          if (cache->try_read(offset, length, result)) {
            const auto answer = std::make_shared<Answer>();
            oracle_.begin_read(offset, length, answer);
            *answer = {true, {}, text_of(result)};
          }
        } else {
          const Pending answer = read(offset, length);
          oracle_.begin_read(offset, length, answer);
        }
        next_ = (offset + length) % 120;
    }
  }

  void let_something_happen() {
    if (pick(8) == 0) now += std::chrono::microseconds(pick(pick(10) == 0 ? 2'000'000 : 4'000));
    if (pick(3) == 0 || remote.waiting.empty()) return turn();
    const std::size_t index = pick(static_cast<unsigned>(remote.waiting.size()));
    if (pick(2) == 0) return remote.carry_out(index);
    release(index);
  }

  void settle() {
    oracle_.check_answers();
    std::erase_if(truncates_, [&](const Pending& each) {
      if (!each->answered) return false;
      oracle_.end_truncate();
      return true;
    });
  }

  void run(unsigned seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_.seed(seed);
    std::string content(pick(100), '\0');
    for (char& each : content) each = static_cast<char>(++stamp_ % 255 + 1);
    oracle_.write(0, content, content.size());
    serve(content);
    for (int step = 0; step < 300 && !HasFailure(); ++step) {
      if (pick(2) == 0) {
        start_something();
      } else {
        let_something_happen();
      }
      check();
      settle();
    }
    const Pending last = flush();
    for (int step = 0; step < 10'000 && !(last->answered && remote.waiting.empty()); ++step) {
      let_something_happen();
      settle();
    }
    turn();
    settle();
    EXPECT_TRUE(last->answered);
    EXPECT_FALSE(oracle_.has_reads());
    EXPECT_TRUE(truncates_.empty());
    for (const Pending& each : others_) EXPECT_TRUE(each->answered && !each->error);
    EXPECT_FALSE(cache->has_unsent());
    EXPECT_EQ(remote.content, oracle_.content());
  }

  // A server that fails one operation in four: everything is answered all the same, no error is told more often than
  // it happened, and in the end there is nothing left to send.
  void run_failing(unsigned seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_.seed(seed);
    serve(std::string(pick(100), 'x'));
    std::vector<Pending> told;
    std::vector<Pending> reads;
    int failures = 0;
    const auto go_on = [&] {
      if (pick(3) == 0 || remote.waiting.empty()) {
        now += std::chrono::milliseconds(1);
        return turn();
      }
      const std::size_t index = pick(static_cast<unsigned>(remote.waiting.size()));
      if (pick(4) > 0) return release(index);
      if (remote.waiting[index].kind != GatedRemoteFile::Kind::read) ++failures;
      fail(index, std::errc::io_error);
    };
    for (int step = 0; step < 200 && !HasFailure(); ++step) {
      go_on();
      const std::uint64_t offset = pick(100);
      switch (pick(5)) {
        case 0:
          reads.push_back(read(offset, 1 + pick(40)));
          break;
        case 1:
          told.push_back(pick(2) == 0 ? flush(pick(2) == 0) : truncate(offset));
          break;
        default:
          told.push_back(write(offset, std::string(1 + pick(40), 'w')));
      }
    }
    told.push_back(flush());
    for (int step = 0; step < 10'000 && !(told.back()->answered && remote.waiting.empty()); ++step) go_on();
    turn();
    const auto answered = [](const Pending& each) { return each->answered; };
    EXPECT_TRUE(std::all_of(told.begin(), told.end(), answered));
    EXPECT_TRUE(std::all_of(reads.begin(), reads.end(), answered));
    const auto errors = std::count_if(told.begin(), told.end(), [](const Pending& each) { return bool(each->error); });
    EXPECT_LE(errors, failures);
    EXPECT_FALSE(cache->has_unsent());
  }

 private:
  std::mt19937 random_;
  Oracle oracle_;
  std::vector<Pending> truncates_;
  std::vector<Pending> others_;
  std::uint64_t next_ = 0;
  unsigned stamp_ = 0;
};

class OneRun : public RandomCacheTest {
 public:
  OneRun(unsigned seed, bool failing) : seed_(seed), failing_(failing) {}
  void TestBody() override { failing_ ? run_failing(seed_) : run(seed_); }

 private:
  unsigned seed_;
  bool failing_;
};

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

void run_seeds(bool failing) {
  const unsigned first = number_from("SMB3FUSE_RANDOM_SEED", 1);
  const unsigned runs = number_from("SMB3FUSE_RANDOM_RUNS", 40);
  for (unsigned seed = first; seed < first + runs && !testing::Test::HasFailure(); ++seed) {
    OneRun(seed, failing).TestBody();
  }
}

TEST(FileCacheAtRandom, ReadsWhatWasWrittenAndLeavesItOnTheServer) { run_seeds(false); }

TEST(FileCacheAtRandom, AnswersEverythingOfAFailingServer) { run_seeds(true); }

}  // namespace
}  // namespace smb3fuse::cache
