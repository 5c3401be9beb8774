#include "server/net/acceptor.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/socket_base.hpp>
#include <cerrno>
#include <stdexcept>
#include <string>

namespace securelogin::net {
namespace asio = boost::asio;
namespace {

constexpr auto kSocketMode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;

std::string remedy(int error)
{
    switch (error) {
        case EADDRINUSE:
            return "stop what listens there, or choose another address";
        case EADDRNOTAVAIL:
            return "choose an address of this host, or 0.0.0.0 for all";
        case EACCES:
            return "ports below 1024 and the socket's directory need permission";
        default:
            return "choose another address";
    }
}

/// A socket that a killed server left behind is in nobody's use.
void remove_stale_socket(const Endpoint& endpoint)
{
    struct stat status{};
    if (lstat(endpoint.unix_path->c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return;
    const int connected =
        ::connect(probe, endpoint.address.data(), static_cast<socklen_t>(endpoint.address.size()));
    const bool stale = connected != 0 && errno == ECONNREFUSED;
    ::close(probe);
    if (stale) ::unlink(endpoint.unix_path->c_str());
}

}  // namespace

Acceptor open_acceptor(const asio::any_io_executor& executor, const Endpoint& endpoint)
{
    if (endpoint.unix_path) remove_stale_socket(endpoint);
    Acceptor acceptor(executor);
    try {
        acceptor.open(endpoint.address.protocol());
        if (!endpoint.unix_path) acceptor.set_option(asio::socket_base::reuse_address(true));
        if (endpoint.address.protocol().family() == AF_INET6) {
            // 0.0.0.0 and [::] may be listened on side by side.
            const int only = 1;
            ::setsockopt(acceptor.native_handle(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        }
        acceptor.bind(endpoint.address);
        if (endpoint.unix_path) ::chmod(endpoint.unix_path->c_str(), kSocketMode);
        acceptor.listen();
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error("listening on " + to_string(endpoint.address) + ": " +
                                 error.code().message() + ": " + remedy(error.code().value()));
    }
    return acceptor;
}

ListeningSocket::ListeningSocket(Endpoint endpoint) : endpoint_(std::move(endpoint)), descriptor_(-1)
{
    asio::io_context for_opening_only;
    descriptor_ = open_acceptor(for_opening_only.get_executor(), endpoint_).release();
}

ListeningSocket::~ListeningSocket()
{
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    if (endpoint_.unix_path) ::unlink(endpoint_.unix_path->c_str());
}

Acceptor ListeningSocket::take_over(const asio::any_io_executor& executor)
{
    Acceptor acceptor(executor);
    acceptor.assign(endpoint_.address.protocol(), descriptor_);
    descriptor_ = -1;
    return acceptor;
}

}  // namespace securelogin::net
