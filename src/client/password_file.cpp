#include "client/password_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "client/failure.hpp"
#include "client/file_descriptor.hpp"
#include "client/line_input.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& why)
{
    throw Failure(ExitCode::not_trusted,
                  "reading the password file " + printable(file.string()) + ": " + why);
}

}  // namespace

Secret read_password_file(const std::filesystem::path& file)
{
    const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    struct stat status{};
    if (!opened.is_open() || ::fstat(opened.get(), &status) != 0) {
        fail(file, std::generic_category().message(errno));
    }
    if (S_ISDIR(status.st_mode)) fail(file, "a directory");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        fail(file, "other users may read or change it: chmod 600 it");
    auto next = LineInput(opened.get()).next({});
    if (next.malformed) fail(file, std::string(describe(*next.malformed)) + ": no password can be so");
    if (next.answer.kind != Answer::Kind::given)
        fail(file, "empty: it must hold the password on its first line");
    return std::move(next.answer.line);
}

}  // namespace securelogin::client
