#include "client/socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include "client/failure.hpp"

namespace securelogin::client {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

[[noreturn]] void fail(const Destination& destination, const std::string& why)
{
    throw Failure(ExitCode::unavailable, "connecting to " + destination.host_and_port() + ": " + why);
}

AddressList resolve(const Destination& destination)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const auto port = std::to_string(destination.port);
    const int error = ::getaddrinfo(destination.host.c_str(), port.c_str(), &hints, &found);
    if (error == 0) return {found, &::freeaddrinfo};
    if (error == EAI_SYSTEM) fail(destination, std::generic_category().message(errno));
    fail(destination, std::string(::gai_strerror(error)) + ": is the host's name right?");
}

/// The socket; or none, with errno in `error`.
FileDescriptor connect_one(const addrinfo& address, Deadline deadline, int& error)
{
    FileDescriptor socket(
        ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
    if (!socket.is_open()) {
        error = errno;
        return {};
    }
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return socket;
    error = errno;
    if (error != EINPROGRESS) return {};
    if (!wait_for(socket.get(), POLLOUT, deadline)) {
        error = ETIMEDOUT;
        return {};
    }
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return {};
    return socket;
}

}  // namespace

FileDescriptor connect_to(const Destination& destination, std::chrono::milliseconds patience)
{
    const auto addresses = resolve(destination);
    int error = EADDRNOTAVAIL;
    for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
        auto socket = connect_one(*address, std::chrono::steady_clock::now() + patience, error);
        if (!socket.is_open()) continue;
        const int on = 1;  // the lines are short, and someone waits for each
        (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return socket;
    }
    fail(destination,
         std::generic_category().message(error) + ": is securelogind running there, on that port?");
}

}  // namespace securelogin::client
