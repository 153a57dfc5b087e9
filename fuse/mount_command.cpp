// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount_command.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>

#include "cache/budget.h"
#include "fuse/control_folder.h"
#include "fuse/control_socket.h"
#include "fuse/kernel_notifier.h"
#include "fuse/mount_table.h"
#include "fuse/mountpoint.h"
#include "fuse/ready_pipe.h"
#include "fuse/session_loop.h"
#include "fuse/status_report.h"
#include "fuse/vfs.h"
#include "smb/client/asio_dialer.h"
#include "smb/client/asio_runtime.h"
#include "smb/client/connect.h"
#include "smb/client/reconnecting_share.h"
#include "smb/client/server_share.h"

namespace smb3fuse::fs {

namespace {

using Connected = tl::expected<std::unique_ptr<client::Share>, client::ConnectError>;

void set_level(const MountConfig& config) {
  spdlog::set_level(config.debug ? spdlog::level::debug : config.verbose ? spdlog::level::info : spdlog::level::warn);
}

void log_to_terminal(const MountConfig& config) {
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("smb3fuse", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  spdlog::set_pattern("smb3fuse: %v");
  set_level(config);
}

void log_to_system(const MountConfig& config) {
  constexpr bool kFormatted = true;
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "smb3fuse", std::make_shared<spdlog::sinks::syslog_sink_mt>("smb3fuse", LOG_PID, LOG_DAEMON, kFormatted)));
  spdlog::set_pattern(to_string(config.source) + ": %v");
  set_level(config);
}

VfsConfig vfs_config(const MountOptions& options) {
  VfsConfig result;
  result.presentation = {.uid = options.uid,
                         .gid = options.gid,
                         .force_uid = options.force_uid,
                         .force_gid = options.force_gid,
                         .file_mode = options.file_mode,
                         .directory_mode = options.directory_mode,
                         .block_size = options.block_size};
  result.file_attribute_timeout = options.file_attribute_timeout;
  result.directory_attribute_timeout = options.directory_attribute_timeout;
  result.server_inodes = options.server_inodes;
  result.loose = options.cache == CacheMode::loose;
  result.lazy_close = options.lazy_close;
  result.strict_sync = options.strict_sync;
  result.locks = options.locks;
  result.prefetch = options.prefetch;
  return result;
}

SessionLoop::Options session_options(const MountConfig& config, bool read_only) {
  KernelFlags flags = config.options.kernel;
  flags.read_only = flags.read_only || read_only;
  if (!flags.fsname) flags.fsname = to_string(config.source);
  return {.mount_options = kernel_option_list(flags), .debug = config.debug};
}

client::Task<void> connect_into(std::optional<Connected>& connected, client::Task<Connected> task) {
  Connected result = co_await std::move(task);
  connected.emplace(std::move(result));
}

// A mount that nobody can ask how it is does works all the same.
void open_control_socket(ControlSocket& socket, const std::string& mountpoint) {
  const std::vector<MountEntry> table = read_mount_table();
  const MountEntry* const entry = find_mount(table, mountpoint);
  const auto opened = entry == nullptr ? tl::unexpected(mountpoint + " is not in the mount table")
                                       : socket.open(control_folders(geteuid()), entry->device);
  if (!opened) spdlog::warn("no control socket, smb3fuse status will not know this mount: {}", opened.error());
}

}  // namespace

client::ConnectConfig connect_config(const Source& source, const MountOptions& options, auth::Credentials credentials) {
  client::ConnectConfig result;
  result.server = source.server;
  result.port = options.port;
  result.address = options.address;
  result.share = source.share;
  result.prefix = source.path;
  result.credentials = std::move(credentials);
  result.plaintext_password = options.plaintext_password;
  result.min_dialect = static_cast<std::uint16_t>(options.min_dialect);
  result.max_dialect = static_cast<std::uint16_t>(options.max_dialect);
  result.require_signing = options.require_signing;
  result.unix_extensions = options.unix_extensions;
  result.require_sealing = options.require_sealing;
  result.max_credits = options.max_credits.value_or(result.max_credits);
  result.read_size = options.read_size;
  result.write_size = options.write_size;
  result.name_mapping = options.name_mapping;
  result.code_page = options.code_page;
  result.caching = options.cache != CacheMode::none;
  result.call_timeout = options.call_timeout;
  result.echo_interval = options.echo_interval;
  return result;
}

ExitCode run_mount(MountConfig config, std::string_view version) {
  log_to_terminal(config);
  std::signal(SIGPIPE, SIG_IGN);
  auto credentials = complete_credentials(std::move(config.options.credentials), config.source.server, config.warnings);
  for (const std::string& warning : config.warnings) spdlog::warn("{}", warning);
  if (!credentials) {
    std::fprintf(stderr, "smb3fuse: %s\n", credentials.error().sentence.c_str());
    return ExitCode::usage;
  }
  const std::optional<std::string> unfit = check_mountpoint(config.mountpoint);
  if (unfit || config.fake) {
    if (unfit) std::fprintf(stderr, "smb3fuse: %s\n", unfit->c_str());
    return unfit ? ExitCode::mount_failure : ExitCode::success;
  }

  ReadyPipe ready(config.foreground);
  boost::asio::io_context context(1);
  client::AsioRuntime runtime(context);
  cache::BufferPool pool;
  cache::Budget budget(pool, config.options.cache_size);
  client::AsioDialer dialer(context, pool, config.options.dial);

  const auto config_of = [&config, &credentials](std::string share) {
    Source source = config.source;
    source.share = std::move(share);
    return connect_config(source, config.options, credentials->clone());
  };
  const auto terms = std::make_shared<const client::ConnectConfig>(config_of(config.source.share));
  std::optional<Connected> connected;
  client::spawn(connect_into(connected, config.source.share.empty() ? client::connect_server(runtime, dialer, config_of)
                                                                    : client::connect_lasting(runtime, dialer, terms)));
  while (!connected && context.run_one() != 0) {
  }
  if (!connected || !*connected) {
    const client::ConnectStep step = connected ? connected->error().step : client::ConnectStep::connect;
    ready.tell_error(fmt::format("{}: {}", name_of(step),
                                 connected ? connected->error().sentence : "the connection attempt ended unanswered"));
    return ExitCode::mount_failure;
  }
  const std::unique_ptr<client::Share> share = std::move(**connected);

  KernelNotifier notifier(runtime);
  Vfs vfs(runtime, budget, *share, notifier, vfs_config(config.options));
  SessionLoop session(context, runtime, pool, notifier, vfs, session_options(config, share->is_read_only()));
  if (const auto mounted = session.mount(config.mountpoint); !mounted) {
    ready.tell_error("mount: " + mounted.error());
    return ExitCode::mount_failure;
  }
  session.start([&context] { context.stop(); });
  if (!config.foreground) log_to_system(config);
  ControlSocket control(context, [&] {
    MountStatus status;
    status.source = to_string(config.source);
    status.mountpoint = session.mountpoint();
    status.version = version;
    status.pid = getpid();
    status.now = std::time(nullptr);
    status.share = share->status();
    status.vfs = vfs.status();
    status.kernel = session.status();
    return to_json(status);
  });
  open_control_socket(control, session.mountpoint());
  if (!ready.tell_ready()) session.stop();
  context.run();
  return ExitCode::success;
}

}  // namespace smb3fuse::fs
