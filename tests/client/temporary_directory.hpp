// temporary_directory.hpp: a directory that is gone when the test is.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace securelogin::client {

class TemporaryDirectory {
  public:
    TemporaryDirectory()
    {
        auto name = (std::filesystem::temp_directory_path() / "client_test.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("making a temporary directory");
        path_ = name;
    }
    ~TemporaryDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& file, const std::string& text, unsigned mode = 0600)
{
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
}

inline std::string contents(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline unsigned mode_of(const std::filesystem::path& file)
{
    return static_cast<unsigned>(std::filesystem::status(file).permissions());
}

}  // namespace securelogin::client
