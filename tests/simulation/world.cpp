// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/world.h"

#include <cstdlib>
#include <utility>

#include "cache/budget.h"
#include "smb/client/share_status.h"

namespace smb3fuse::simulation {

using client::Task;

namespace {

// Transfers of a few bytes, so that small files take several.
constexpr std::uint32_t kPiece = 32;

// A share whose clock is the server's to the tick, whatever this machine's clock says.
class TimedShare final : public client::Share {
 public:
  TimedShare(std::unique_ptr<client::Share> share, const ModelServer& server)
      : share_(std::move(share)), server_(server) {}

  bool is_lost() const override { return share_->is_lost(); }
  std::unique_ptr<client::Lease> make_lease(client::Lease::Holder& holder) override {
    return share_->make_lease(holder);
  }
  // The model server tells nobody of changes in directories.
  std::shared_ptr<client::DirectoryRight> ask_directory_right(std::string, client::DirectoryRight::Holder&) override {
    return nullptr;
  }
  Task<client::Result<client::Attributes>> stat(std::string path) override { return share_->stat(std::move(path)); }
  Task<client::Result<client::OpenResult>> open(client::OpenRequest request) override {
    return share_->open(std::move(request));
  }
  Task<client::Result<std::unique_ptr<client::DirectoryStream>>> open_directory(std::string path) override {
    return share_->open_directory(std::move(path));
  }
  Task<client::Result<client::Attributes>> make_directory(std::string path, std::uint32_t mode) override {
    return share_->make_directory(std::move(path), mode);
  }
  Task<client::Result<client::Attributes>> make_special(std::string path, client::PosixAttributes what) override {
    return share_->make_special(std::move(path), what);
  }
  Task<std::error_code> remove_file(std::string path, RemoveHint hint) override {
    return share_->remove_file(std::move(path), hint);
  }
  Task<std::error_code> remove_directory(std::string path) override {
    return share_->remove_directory(std::move(path));
  }
  Task<std::error_code> rename(std::string from, std::string to, bool replace, client::Lease* lease) override {
    return share_->rename(std::move(from), std::move(to), replace, lease);
  }
  Task<std::error_code> link(std::string existing, std::string new_path) override {
    return share_->link(std::move(existing), std::move(new_path));
  }
  Task<std::error_code> set_attributes(std::string path, client::AttributeChanges changes) override {
    return share_->set_attributes(std::move(path), std::move(changes));
  }
  Task<client::Result<client::Attributes>> make_symlink(std::string path, std::string target) override {
    return share_->make_symlink(std::move(path), std::move(target));
  }
  Task<client::Result<client::FileSystemInfo>> file_system_info() override { return share_->file_system_info(); }
  Task<client::Result<client::PosixAcls>> posix_acls(std::string path) override {
    return share_->posix_acls(std::move(path));
  }
  client::FileTime now() const override { return server_.clock(); }
  bool is_hidden_name(const std::string& name) const override { return share_->is_hidden_name(name); }
  std::uint32_t maximum_read() const override { return share_->maximum_read(); }
  std::uint32_t maximum_write() const override { return share_->maximum_write(); }
  bool case_sensitive() const override { return share_->case_sensitive(); }
  bool has_posix_attributes() const override { return share_->has_posix_attributes(); }
  bool has_posix_acls() const override { return share_->has_posix_acls(); }
  bool is_read_only() const override { return share_->is_read_only(); }
  const client::Attributes& root_attributes() const override { return share_->root_attributes(); }
  client::ShareStatus status() const override { return share_->status(); }

 private:
  const std::unique_ptr<client::Share> share_;
  const ModelServer& server_;
};

}  // namespace

// The connection of one client, as it sees it.
class World::Line final : public client::Dialer {
 public:
  Line(World& world, cache::BufferPool& pool)
      : world_(world), pool_(pool), up_(world.agenda->new_channel()), down_(world.agenda->new_channel()) {
    client_ = world_.server.add_client([this](Bytes message) {
      world_.agenda->send(down_, [this, message = std::move(message)] {
        if (handler_ != nullptr) handler_->handle_frame(pool_.copy_of(message));
      });
    });
  }

  Task<tl::expected<std::unique_ptr<client::Transport>, client::DialError>> dial(std::string,
                                                                                 std::optional<std::uint16_t>,
                                                                                 std::chrono::seconds) override {
    co_return std::make_unique<End>(*this);
  }
  void send(const std::vector<client::OutgoingFrame>& frames) {
    for (const client::OutgoingFrame& frame : frames) {
      Bytes message;
      for (const auto piece : frame.pieces) message.insert(message.end(), piece.begin(), piece.end());
      world_.agenda->send(up_, [this, message = std::move(message)] { world_.server.receive(client_, message); });
    }
  }

 private:
  // What the channel owns.
  class End final : public client::Transport {
   public:
    explicit End(Line& line) : line_(line) {}
    ~End() override { line_.handler_ = nullptr; }
    void start(client::TransportHandler& handler) override { line_.handler_ = &handler; }
    void send(std::vector<client::OutgoingFrame> frames) override { line_.send(frames); }
    void limit_frames(std::uint32_t) override {}

   private:
    Line& line_;
  };

  World& world_;
  cache::BufferPool& pool_;
  const Channel up_;
  const Channel down_;
  std::size_t client_ = 0;
  client::TransportHandler* handler_ = nullptr;
};

struct World::Mount {
  Mount(World& world, std::size_t memory) : budget(pool, memory), line(world, pool) {}

  cache::BufferPool pool;
  cache::Budget budget;
  Line line;
  std::unique_ptr<client::Share> share;
  std::unique_ptr<ModelKernel> kernel;
  std::unique_ptr<fs::Vfs> vfs;
};

World::World(const MakeAgenda& make_agenda, ServerKind kind, std::size_t memory)
    : agenda(make_agenda(runtime)), server(runtime, *agenda, kind) {
  for (std::size_t i = 0; i < kClients; ++i) {
    mounts_.push_back(std::make_unique<Mount>(*this, memory));
    Mount& mount = *mounts_.back();
    client::ConnectConfig config;
    config.server = "model";
    config.share = "share";
    config.credentials.user = "alice";
    config.credentials.secret = crypto::Secret(std::string_view("open sesame"));
    config.read_size = config.write_size = kPiece;
    auto connected = runtime.finish(
        client::connect(runtime, mount.line, std::make_shared<const client::ConnectConfig>(std::move(config))));
    if (!connected || !*connected) std::abort();
    mount.share = std::make_unique<TimedShare>(std::move(**connected), server);
    mount.kernel = std::make_unique<ModelKernel>(runtime, *agenda, mount.pool);
    fs::VfsConfig settings;
    settings.prefetch = false;  // there is one folder, and nobody lists it
    mount.vfs = std::make_unique<fs::Vfs>(runtime, mount.budget, *mount.share, *mount.kernel, settings);
    mount.kernel->attach(*mount.vfs);
  }
}

World::~World() {
  unmount();
  for (const auto& mount : mounts_) {
    mount->vfs.reset();
    mount->share.reset();
  }
  runtime.advance(std::chrono::seconds(1));
}

ModelKernel& World::kernel(std::size_t client) { return *mounts_[client]->kernel; }

void World::unmount() {
  for (const auto& mount : mounts_) {
    auto end = [](fs::Vfs& vfs) -> Task<bool> {
      co_await vfs.shut_down();
      co_return true;
    };
    runtime.finish(end(*mount->vfs));
  }
  runtime.advance(std::chrono::seconds(1));
}

bool World::audit() const {
  for (const auto& mount : mounts_) {
    if (!mount->vfs->audit()) return false;
  }
  return true;
}

}  // namespace smb3fuse::simulation
