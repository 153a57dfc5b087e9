// SPDX-License-Identifier: Apache-2.0
// The way of an Interrupt, from the task that was spawned to the one that waits.
#include "smb/client/task.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "smb/client/interrupt.h"

namespace smb3fuse::client {
namespace {

// Where tasks wait until they are told to go on.
struct Gate {
  std::function<void(bool)> go_on;
  int hurried = 0;

  Task<Interrupt*> wait() {
    Interrupt* const own = co_await own_interrupt();
    if (own != nullptr) own->arm([this] { ++hurried; });
    auto start = [this](auto done) { go_on = std::move(done); };
    co_await callback<bool>(start);
    if (own != nullptr) own->disarm();
    co_return own;
  }
};

Task<void> ask(Gate& gate, Interrupt*& seen) {
  Interrupt* const own = co_await gate.wait();
  seen = own;
}
Task<void> ask_through_another(Gate& gate, Interrupt*& seen) { co_await ask(gate, seen); }
Task<void> ask_uninterrupted(Gate& gate, Interrupt*& seen) { co_await uninterrupted(ask(gate, seen)); }
Task<void> ask_twice(Gate& gate, Interrupt*& seen) {
  co_await ask(gate, seen);
  co_await ask(gate, seen);
}

TEST(Interrupt, ReachesTheTaskThatWaitsAtTheEndOfAChainOfThem) {
  Gate gate;
  Interrupt* seen = nullptr;
  const auto interrupt = std::make_shared<Interrupt>();
  spawn(ask_through_another(gate, seen), interrupt);
  interrupt->fire();
  EXPECT_EQ(gate.hurried, 1);
  EXPECT_EQ(seen, nullptr) << "it still waits for its answer";
  gate.go_on(true);
  EXPECT_EQ(seen, interrupt.get());
}

TEST(Interrupt, IsNotThereForATaskThatWasSpawnedWithoutOne) {
  Gate gate;
  Interrupt other;
  Interrupt* seen = &other;
  spawn(ask(gate, seen));
  gate.go_on(true);
  EXPECT_EQ(seen, nullptr);
}

TEST(Interrupt, DoesNotReachWhatIsShielded) {
  Gate gate;
  Interrupt other;
  Interrupt* seen = &other;
  const auto interrupt = std::make_shared<Interrupt>();
  spawn(ask_uninterrupted(gate, seen), interrupt);
  interrupt->fire();
  EXPECT_EQ(gate.hurried, 0);
  gate.go_on(true);
  EXPECT_EQ(seen, nullptr);
}

TEST(Interrupt, HurriesOnlyWhatIsWaitedForAtThatMoment) {
  Gate gate;
  Interrupt* seen = nullptr;
  const auto interrupt = std::make_shared<Interrupt>();
  spawn(ask_twice(gate, seen), interrupt);
  interrupt->fire();
  interrupt->fire();
  gate.go_on(true);
  EXPECT_EQ(gate.hurried, 1);
  interrupt->fire();
  EXPECT_EQ(gate.hurried, 2) << "the second wait";
  gate.go_on(true);
  interrupt->fire();
  EXPECT_EQ(gate.hurried, 2) << "nothing is waited for";
}

TEST(Interrupt, LivesAsLongAsItsTask) {
  Gate gate;
  Interrupt* seen = nullptr;
  auto interrupt = std::make_shared<Interrupt>();
  const std::weak_ptr<Interrupt> kept = interrupt;
  spawn(ask(gate, seen), std::move(interrupt));
  EXPECT_FALSE(kept.expired());
  gate.go_on(true);
  EXPECT_TRUE(kept.expired());
}

}  // namespace
}  // namespace smb3fuse::client
