// SPDX-License-Identifier: Apache-2.0
// Small scenes of two mounts on one file, played in every order in which what is under way can arrive: requests,
// answers, breaks and acknowledgments, and what the server and the kernel take their time for. The first decisions of
// each play are tried in all ways (depth first, each play from the start), the rest goes in the order of sending. When
// nothing is under way the next timer fires.
//
// SMB3FUSE_SIMULATION_DECISIONS=12 tries more of them than CI has time for.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>

#include "tests/simulation/programs.h"

namespace smb3fuse::simulation {
namespace {

using client::Task;
using std::chrono::milliseconds;
using Open = Programs::Open;

constexpr std::size_t kDecisionsInCi = 4;
constexpr const char* kFile = "f";

// One way through a scene, and the next one.
class Decisions {
 public:
  explicit Decisions(std::size_t most) : most_(most) {}

  std::size_t decide(std::size_t choices) {
    if (choices < 2 || (at_ == taken_.size() && taken_.size() == most_)) return 0;
    if (at_ == taken_.size()) taken_.push_back({0, choices});
    return taken_[at_++].choice;
  }
  // False: every way has been taken.
  bool turn() {
    at_ = 0;
    while (!taken_.empty() && taken_.back().choice + 1 == taken_.back().choices) taken_.pop_back();
    if (taken_.empty()) return false;
    ++taken_.back().choice;
    return true;
  }
  std::string words() const {
    std::string words;
    for (const Decision& each : taken_) words += std::to_string(each.choice) + " ";
    return words;
  }

 private:
  struct Decision {
    std::size_t choice;
    std::size_t choices;
  };
  const std::size_t most_;
  std::vector<Decision> taken_;
  std::size_t at_ = 0;
};

class Play {
 public:
  explicit Play(ServerKind kind)
      : world_(
            [this](client::Runtime& runtime) {
              auto agenda = std::make_unique<OrderedAgenda>(runtime);
              agenda_ = agenda.get();
              return agenda;
            },
            kind, std::size_t{512} << 20),
        programs(world_, false) {}

 private:
  OrderedAgenda* agenda_ = nullptr;  // the world's
  World world_;

 public:
  Programs programs;

  // One call after the other, everything arriving at once.
  template <class T>
  T first(Task<T> task) {
    auto done = world_.runtime.finish(std::move(task));
    if (!done) std::abort();
    return std::move(*done);
  }
  void first(Task<void> task) {
    auto ended = [](Task<void> running) -> Task<bool> {
      co_await running;
      co_return true;
    };
    first(ended(std::move(task)));
  }
  Open opened(std::size_t client, int flags) {
    const std::optional<Open> open = first(programs.open(client, kFile, flags));
    if (!open) std::abort();
    return *open;
  }
  // At once with what was started before.
  void start(Task<void> task) {
    ++running_;
    client::spawn(count_down(std::move(task)));
  }

  // Until all that was started has ended; then both mounts are compared with the server.
  std::string run(Decisions& decisions) {
    agenda_->hold();
    start_all();
    for (std::size_t steps = 0; running_ > 0 && !programs.failed(); ++steps) {
      world_.runtime.run();
      if (!world_.audit()) programs.fail("an invariant of a cache does not hold");
      if (steps == kEndless) programs.fail("it never ends");
      if (agenda_->choices() > 0) {
        agenda_->arrive(decisions.decide(agenda_->choices()));
      } else if (running_ > 0 && !world_.runtime.advance_to_next_timer(std::chrono::minutes(1))) {
        programs.fail("it never ends");
      }
      world_.runtime.run();
    }
    agenda_->release();
    if (!programs.failed()) first(programs.compare({kFile}));
    programs.judge();
    world_.unmount();
    for (const std::string& complaint : world_.server.complaints()) programs.fail("the server: " + complaint);
    if (world_.server.opens() != 0) programs.fail("opens are left on the server");
    return programs.failure();
  }
  // What run() starts.
  std::function<void()> start_all;

 private:
  static constexpr std::size_t kEndless = 100'000;
  Task<void> count_down(Task<void> task) {
    co_await task;
    --running_;
  }
  std::size_t running_ = 0;
};

// `prepare` opens what the scene needs, and returns what then happens at once.
using Scene = std::function<std::function<void()>(Play&)>;

void play_in_every_order(const Scene& prepare, ServerKind kind = {}) {
  spdlog::set_level(spdlog::level::err);
  const char* const given = std::getenv("SMB3FUSE_SIMULATION_DECISIONS");
  Decisions decisions(given == nullptr ? kDecisionsInCi : std::strtoull(given, nullptr, 10));
  std::size_t orders = 0;
  do {
    Play play(kind);
    play.start_all = prepare(play);
    const std::string failure = play.run(decisions);
    ASSERT_EQ(failure, "") << "after the decisions " << decisions.words();
    ++orders;
  } while (decisions.turn());
  std::printf("%zu orders\n", orders);
}

ServerKind late() {
  ServerKind kind;
  kind.answers_late = true;
  return kind;
}

Task<void> open_and_read(Programs& programs, std::size_t client) {
  const std::optional<Open> open = co_await programs.open(client, kFile, O_RDONLY);
  if (!open) co_return;
  co_await programs.wait(milliseconds(1));
  co_await programs.read(client, *open, 0, 60);
  co_await programs.wait(milliseconds(1));
  co_await programs.look(client, *open);
  co_await programs.close(client, *open);
}

Task<void> write_and_close(Programs& programs, std::size_t client, Open open) {
  co_await programs.write(client, open, 20, 30);
  co_await programs.wait(milliseconds(1));
  co_await programs.close(client, open);
}

TEST(InEveryOrder, AReaderComesWhileThatWhichItWritesIsFlushed) {
  play_in_every_order([](Play& play) {
    const Open writer = play.opened(0, O_RDWR | O_CREAT);
    play.first(play.programs.write(0, writer, 0, 50));
    return [&play, writer] {
      play.start(play.programs.sync(0, writer));
      play.start(open_and_read(play.programs, 1));
    };
  });
}

TEST(InEveryOrder, ABreakOvertakesTheAnswerToTheOpen) {
  play_in_every_order(
      [](Play& play) {
        const Open made = play.opened(0, O_RDWR | O_CREAT);
        play.first(play.programs.write(0, made, 0, 50));
        play.first(play.programs.close(0, made));
        play.first(play.programs.wait(std::chrono::seconds(40)));
        return [&play] {
          play.start(open_and_read(play.programs, 0));
          play.start(open_and_read(play.programs, 1));
        };
      },
      late());
}

TEST(InEveryOrder, AWriterClosesWhileAnotherEmptiesTheFile) {
  play_in_every_order([](Play& play) {
    const Open writer = play.opened(0, O_RDWR | O_CREAT);
    play.first(play.programs.write(0, writer, 0, 50));
    return [&play, writer] {
      play.start(write_and_close(play.programs, 0, writer));
      play.start([](Programs& programs) -> Task<void> {
        const std::optional<Open> open = co_await programs.open(1, kFile, O_RDWR | O_TRUNC);
        if (open) co_await write_and_close(programs, 1, *open);
      }(play.programs));
    };
  });
}

TEST(InEveryOrder, TwoRightsGoOneAfterTheOther) {
  play_in_every_order([](Play& play) {
    const Open holder = play.opened(0, O_RDWR | O_CREAT);
    play.first(play.programs.write(0, holder, 0, 50));
    return [&play, holder] {
      play.start(play.programs.write(0, holder, 10, 40));
      play.start([](Programs& programs) -> Task<void> {
        const std::optional<Open> open = co_await programs.open(1, kFile, O_RDWR);
        if (open) co_await write_and_close(programs, 1, *open);
      }(play.programs));
      play.start(play.programs.read(0, holder, 0, 60));
    };
  });
}

TEST(InEveryOrder, AFileIsClosedAndOpenedAgainDuringABreak) {
  play_in_every_order([](Play& play) {
    const Open holder = play.opened(0, O_RDWR | O_CREAT);
    play.first(play.programs.write(0, holder, 0, 50));
    return [&play, holder] {
      play.start([](Programs& programs, Open open) -> Task<void> {
        co_await write_and_close(programs, 0, open);
        co_await programs.wait(milliseconds(1));
        co_await open_and_read(programs, 0);
      }(play.programs, holder));
      play.start(open_and_read(play.programs, 1));
    };
  });
}

TEST(InEveryOrder, AFileIsCutWhileItIsRead) {
  play_in_every_order([](Play& play) {
    const Open writer = play.opened(0, O_RDWR | O_CREAT);
    play.first(play.programs.write(0, writer, 0, 50));
    play.first(play.programs.sync(0, writer));
    const Open reader = play.opened(1, O_RDONLY);
    return [&play, writer, reader] {
      play.start(play.programs.read(1, reader, 0, 60));
      play.start(play.programs.truncate(0, writer, 33));
      play.start(play.programs.look(1, reader));
    };
  });
}

TEST(InEveryOrder, AFileThatBothHaveOpenIsRenamed) {
  play_in_every_order([](Play& play) {
    const Open writer = play.opened(0, O_RDWR | O_CREAT);
    play.first(play.programs.write(0, writer, 0, 50));
    const Open reader = play.opened(1, O_RDONLY);
    return [&play, writer, reader] {
      play.start(play.programs.rename(0, kFile, "g"));
      play.start(play.programs.read(1, reader, 0, 60));
      play.start(write_and_close(play.programs, 0, writer));
      play.start(play.programs.close(1, reader));
    };
  });
}

TEST(InEveryOrder, BothWriteAtOnce) {
  play_in_every_order(
      [](Play& play) {
        const Open one = play.opened(0, O_RDWR | O_CREAT);
        play.first(play.programs.write(0, one, 0, 50));
        const Open other = play.opened(1, O_RDWR);
        return [&play, one, other] {
          play.start(write_and_close(play.programs, 0, one));
          play.start(write_and_close(play.programs, 1, other));
        };
      },
      late());
}

}  // namespace
}  // namespace smb3fuse::simulation
