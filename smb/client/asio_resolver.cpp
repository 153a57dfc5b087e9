// SPDX-License-Identifier: Apache-2.0
#include "smb/client/asio_resolver.h"

#include <spdlog/spdlog.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

#include "nbt/lmhosts.h"
#include "smb/client/asio_netbios.h"
#include "smb/client/host_literal.h"

namespace smb3fuse::client {
namespace {

using boost::asio::ip::tcp;
using Found = tl::expected<Addresses, std::error_code>;

std::optional<boost::asio::ip::address> literal(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(address_of_ipv6_literal(host).value_or(host), error);
  return error ? std::nullopt : std::optional(address);
}

// The system's resolver and a deadline; whoever is first tells the outcome.
struct DnsQuery : std::enable_shared_from_this<DnsQuery> {
  DnsQuery(boost::asio::io_context& context, std::function<void(Found)> tell)
      : resolver(context), deadline(context), done(std::move(tell)) {}

  void start(const std::string& host, TimePoint until) {
    deadline.expires_at(until);
    deadline.async_wait([self = shared_from_this()](auto error) {
      if (!error) self->finish(tl::make_unexpected(std::make_error_code(std::errc::timed_out)));
    });
    resolver.async_resolve(host, "", [self = shared_from_this()](auto error, const auto& endpoints) {
      if (error) return self->finish(tl::make_unexpected(std::error_code(error)));
      Addresses addresses;
      for (const auto& endpoint : endpoints) addresses.push_back(endpoint.endpoint().address());
      self->finish(std::move(addresses));
    });
  }

  void finish(Found found) {
    if (!done) return;
    boost::system::error_code ignored;
    deadline.cancel(ignored);
    resolver.cancel();
    auto tell = std::exchange(done, nullptr);
    tell(std::move(found));
  }

  tcp::resolver resolver;
  boost::asio::steady_timer deadline;
  std::function<void(Found)> done;
};

Task<Found> ask_dns(boost::asio::io_context& context, std::string host, TimePoint until) {
  auto begin = [&](auto done) {
    std::make_shared<DnsQuery>(context, [done](Found found) mutable { done(std::move(found)); })->start(host, until);
  };
  Found found = co_await callback<Found>(begin);
  co_return found;
}

using Owners = std::vector<nbt::NameOwner>;

Owners look_up_lmhosts(const std::string& file, const nbt::Name& name) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const nbt::Lmhosts lmhosts = nbt::parse_lmhosts(text);
  for (const std::string& complaint : lmhosts.complaints) spdlog::info("{}, {}", file, complaint);
  Owners owners;
  for (const nbt::Ipv4& address : lmhosts.addresses_of(name)) owners.push_back({address});
  return owners;
}

Task<Owners> ask_netbios(boost::asio::io_context& context, const DialPolicy& policy, ResolveMethod method,
                         nbt::Name name, bool all) {
  if (method == ResolveMethod::lmhosts) co_return look_up_lmhosts(policy.lmhosts_file, name);
  const auto type = method == ResolveMethod::wins ? nbt::NodeType::p : nbt::NodeType::b;
  nbt::NodeConfig config = node_config(policy, type);
  const std::vector<nbt::NameAnswer> answers = co_await ask_for_name(context, std::move(name), std::move(config), all);
  Owners owners;
  for (const nbt::NameAnswer& answer : answers) {
    owners.insert(owners.end(), answer.owners.begin(), answer.owners.end());
  }
  co_return owners;
}

}  // namespace

Task<Found> resolve(boost::asio::io_context& context, const DialPolicy& policy, std::string host, TimePoint until) {
  if (const auto address = literal(host)) co_return Addresses{*address};
  std::optional<std::error_code> first_error;
  const auto name = host.find('.') == std::string::npos ? nbt::make_name(host, nbt::suffix::file_server) : std::nullopt;
  for (const ResolveMethod method : policy.resolve) {
    if (Clock::now() >= until) break;
    if (method == ResolveMethod::dns) {
      Found found = co_await ask_dns(context, host, until);
      if (found && !found->empty()) co_return found;
      if (!found && !first_error) first_error = found.error();
    } else if (name) {
      constexpr bool kAll = false;
      const Owners owners = co_await ask_netbios(context, policy, method, *name, kAll);
      Addresses found;
      for (const nbt::NameOwner& owner : owners) found.emplace_back(boost::asio::ip::address_v4(owner.address));
      if (!found.empty()) co_return found;
    }
  }
  const std::error_code unknown = boost::asio::error::make_error_code(boost::asio::error::host_not_found);
  co_return tl::make_unexpected(first_error.value_or(unknown));
}

Task<Owners> find_owners(boost::asio::io_context& context, const DialPolicy& policy, nbt::Name name) {
  constexpr bool kAll = true;
  for (const ResolveMethod method : policy.resolve) {
    if (method == ResolveMethod::dns) continue;
    Owners owners = co_await ask_netbios(context, policy, method, name, kAll);
    if (!owners.empty()) co_return owners;
  }
  co_return Owners{};
}

}  // namespace smb3fuse::client
