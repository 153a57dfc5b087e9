// SPDX-License-Identifier: Apache-2.0
// Two mounts of one share, complete but for the sockets and the kernels: programs' system calls in a ModelKernel, Vfs,
// engine, SMB2 as bytes, and a ModelServer. Everything runs in one thread at a time of its own, and in the same way
// each time that an Agenda decides in the same way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "smb/client/connect.h"
#include "tests/simulation/agenda.h"
#include "tests/simulation/model_kernel.h"
#include "tests/simulation/model_server.h"
#include "tests/support/manual_runtime.h"

namespace smb3fuse::simulation {

class World {
 public:
  static constexpr std::size_t kClients = 2;

  using MakeAgenda = std::function<std::unique_ptr<Agenda>(client::Runtime&)>;
  // `memory`: bytes that each mount may keep.
  World(const MakeAgenda& make_agenda, ServerKind kind, std::size_t memory);
  // What is still under way comes to its end first.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  ModelKernel& kernel(std::size_t client);
  // Both mounts end: everything is written, everything is closed.
  void unmount();
  bool audit() const;

  test::ManualRuntime runtime;
  const std::unique_ptr<Agenda> agenda;
  ModelServer server;

 private:
  class Line;
  struct Mount;
  std::vector<std::unique_ptr<Mount>> mounts_;
};

}  // namespace smb3fuse::simulation
