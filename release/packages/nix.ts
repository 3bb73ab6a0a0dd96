// A flake that takes the program of the release. It lies in a repository of its own, as a Homebrew tap does: the commit that is
// built cannot know the sums of what is built from it.
// The form: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake
// Pure.
import { type Facts, NAME, SUMMARY, findArchives } from "./facts.ts";
import { renderInstall } from "./tree.ts";

const SYSTEMS = [
  { name: "linux-x64", system: "x86_64-linux" },
  { name: "linux-arm64", system: "aarch64-linux" },
  { name: "darwin-x64", system: "x86_64-darwin" },
  { name: "darwin-arm64", system: "aarch64-darwin" },
] as const;

export function makeFlake(facts: Facts): string {
  const { homepage, licence, version } = facts;
  const sources = SYSTEMS.flatMap(({ name, system }) =>
    findArchives(facts, [name]).map(
      ({ sha256, url }) => `        ${system} = {
          url = "${url}";
          hash = "sha256-${Buffer.from(sha256, "hex").toString("base64")}";
        };`,
    ),
  );
  const licences = licence.split(" OR ").map((one) => `(lib.getLicenseFromSpdxId "${one}")`);
  return `{
  description = "${SUMMARY}";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      sources = {
${sources.join("\n")}
      };
      make =
        system: source:
        let
          pkgs = nixpkgs.legacyPackages.\${system};
        in
        pkgs.stdenvNoCC.mkDerivation {
          pname = "${NAME}";
          version = "${version}";
          src = pkgs.fetchurl source;

          nativeBuildInputs = lib.optional pkgs.stdenv.hostPlatform.isLinux pkgs.patchelf;

          # Its own code lies behind what strip knows of, and only the loader's path may change.
          dontStrip = true;
          dontPatchELF = true;

          installPhase = ''
            runHook preInstall
${renderInstall("$out", `share/licenses/${NAME}`)
  .map((line) => `            ${line}`)
  .join("\n")}
            runHook postInstall
          '';

          postFixup = lib.optionalString pkgs.stdenv.hostPlatform.isLinux ''
            patchelf --set-interpreter "$(cat \${pkgs.stdenv.cc}/nix-support/dynamic-linker)" $out/bin/${NAME}
          '';

          doInstallCheck = true;
          installCheckPhase = ''
            HOME=$TMPDIR $out/bin/ch --version
          '';

          meta = {
            description = "${SUMMARY}";
            homepage = "${homepage}";
            license = [
${licences.map((one) => `              ${one}`).join("\n")}
            ];
            mainProgram = "ch";
            platforms = builtins.attrNames sources;
            sourceProvenance = [ lib.sourceTypes.binaryNativeCode ];
          };
        };
    in
    {
      packages = builtins.mapAttrs (system: source: rec {
        ${NAME} = make system source;
        default = ${NAME};
      }) sources;

      apps = builtins.mapAttrs (system: packages: rec {
        ch = {
          type = "app";
          program = "\${packages.default}/bin/ch";
        };
        default = ch;
      }) self.packages;
    };
}
`;
}
