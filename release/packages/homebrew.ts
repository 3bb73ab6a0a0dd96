// A Homebrew formula for a tap: macOS and Linux with glibc, each of both processors.
// The form: https://docs.brew.sh/Formula-Cookbook, checked by `brew style` and `brew audit` in CI.
// Pure.
import { type Archive, type Facts, NAME, SUMMARY, findArchives } from "./facts.ts";

const SYSTEMS = [
  { block: "on_macos", names: ["darwin-arm64", "darwin-x64"] },
  { block: "on_linux", names: ["linux-arm64", "linux-x64"] },
] as const;

export function makeFormula(facts: Facts): string {
  const { homepage, licence, version } = facts;
  const licences = licence.split(" OR ").map((one) => `"${one}"`);
  const systems = SYSTEMS.flatMap(({ block, names }) => {
    const archives = findArchives(facts, names);
    if (archives.length === 0) return [];
    return [`  ${block} do`, ...archives.flatMap(renderArchive), "  end", ""];
  });
  return `class CodexHelper < Formula
  desc "${SUMMARY}"
  homepage "${homepage}"
  version "${version}"
  license any_of: [${licences.join(", ")}]

  livecheck do
    url :homepage
    strategy :github_latest
  end

${systems.join("\n")}
  def install
    bin.install "${NAME}"
    bin.install_symlink "${NAME}" => "ch"
    man1.install "man/ch.1"
    man1.install_symlink "ch.1" => "${NAME}.1"
    bash_completion.install "completions/ch.bash" => "ch"
    zsh_completion.install "completions/_ch"
    fish_completion.install "completions/ch.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/ch --version")
    assert_match "answered", shell_output("#{bin}/ch demo")
  end
end
`;
}

function renderArchive({ platform, sha256, url }: Archive): string[] {
  const block = platform.name.endsWith("-arm64") ? "on_arm" : "on_intel";
  return [`    ${block} do`, `      url "${url}"`, `      sha256 "${sha256}"`, "    end"];
}
