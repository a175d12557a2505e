/** Disks that are full, read-only or broken, of the system itself: a file system in memory of a few kilobytes, and system calls that fail (strace). */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { argumentsOf, inFolder, launch, newest, start, undisturbed, type Setup } from "../src/resumablePrograms.js";

const setup: Setup = { backend: "cpu", source: "arrays", optimizer: "adamw" };
const left = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith(".part") || name.startsWith("lock.json"));
const succeeds = (file: string, args: readonly string[]): boolean => spawnSync(file, args).status === 0;

/** A script in a mount namespace of its own, in whose folder $1 a file system of 1 MB is mounted. */
const inSmallDisk = (script: string): string[] => [
  "--mount",
  "--map-root-user",
  "sh",
  "-c",
  `set -e; mkdir -p "$1"; mount -t tmpfs -o size=1M none "$1"; ${script}`,
  "sh",
];

if (succeeds("unshare", [...inSmallDisk("true"), "/tmp"])) {
  // $1 the disk, $2 a folder outside of it for copies, then the program with its arguments, whose run is on the disk.
  const script = `
    disk=$1; out=$2; shift 2
    "$@" > "$out/first.txt" & program=$!
    until grep -q "written 4" "$out/first.txt"; do sleep 0.01; done
    kill -INT $program; wait $program
    cp -r "$disk/run" "$out/before"
    dd if=/dev/zero of="$disk/filler" bs=1k 2> /dev/null || true
    # One page: room for the lock, and none for a checkpoint.
    truncate -s -4096 "$disk/filler"
    "$@" > "$out/full.txt" 2> "$out/full.errors.txt" && echo "the full disk was not noticed"
    cp -r "$disk/run" "$out/full"
    mount -o remount,ro "$disk"
    "$@" > "$out/readOnly.txt" 2> "$out/readOnly.errors.txt" && echo "the read-only disk was not noticed"
    cp -r "$disk/run" "$out/readOnly"
    mount -o remount,rw "$disk"
    rm "$disk/filler"
    "$@" > "$out/after.txt"
    cp -r "$disk/run" "$out/after"
    for name in first full full.errors readOnly readOnly.errors; do echo "== $name"; cat "$out/$name.txt"; done`;

  test("a disk that is full, then read-only: named, the checkpoint before is there, and with room training ends where it would have", async () => {
    const whole = await undisturbed(setup, 3);
    await inFolder(async (folder) => {
      const [disk, out] = [`${folder}-disk`, `${folder}-out`];
      mkdirSync(out);
      const program = [process.execPath, ...argumentsOf(setup, join(disk, "run"), 5)];
      // The seed of the parameters has the length of the folder's path in it, which is another one here.
      const seed = String(3 + folder.length - join(disk, "run").length);
      const ran = launch("unshare", [...inSmallDisk(script), disk, out, ...program], { ...process.env, RESUMABLE_SEED: seed });
      expect(await ran.ended).toBe(0);
      const text = ran.lines.join("\n");
      expect(text).toMatch(/ermine: The checkpoint .*ENOSPC.*no room left on the device.* Training goes on/);
      expect(text).toMatch(/The end of the training is not kept: The checkpoint .*ENOSPC.*The trainer has all of it/);
      expect(text).toMatch(/EROFS.*read-only: take a folder elsewhere/);
      expect(text).not.toMatch(/was not noticed/);
      const before = newest(join(out, "before"));
      for (const name of ["full", "readOnly"]) expect(newest(join(out, name)).equals(before)).toBe(true);
      expect(["full", "readOnly", "after"].flatMap((name) => left(join(out, name)))).toEqual([]);
      expect(newest(join(out, "after")).equals(whole)).toBe(true);
    });
  });
} else it("full and read-only disks: not run (needs unshare, and a system that lets it mount a tmpfs)", () => {});

if (succeeds("strace", ["-f", "-qq", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1", "true"])) {
  describe("flushes that fail", () => {
    /**
     * Trains while some of the calls of fsync fail. They come in this order: the folder's parent, the lock, and of each checkpoint the file and then the folder.
     *
     * @param when of strace: "3" is the third, "3+" the third and all after it
     */
    const traced = (folder: string, when: string) =>
      launch(
        "strace",
        // One thread for files, for strace counts the calls of each.
        [
          "-f",
          "-qq",
          "-o",
          "/dev/null",
          "-e",
          "trace=fsync",
          "-e",
          `inject=fsync:error=EIO:when=${when}`,
          process.execPath,
        ].concat(argumentsOf(setup, folder, 5)),
        { ...process.env, RESUMABLE_SEED: "3", UV_THREADPOOL_SIZE: "1" },
      );

    test("of one file: that checkpoint is not written, the others are, and the end is the same", async () => {
      const whole = await undisturbed(setup, 3);
      await inFolder(async (folder) => {
        const program = traced(folder, "3");
        expect(await program.ended).toBe(0);
        expect(program.lines).toContainEqual(
          expect.stringMatching(/update-000000002.safetensors was not written: EIO.*Training goes on, and the next checkpoint/),
        );
        expect(newest(folder).equals(whole)).toBe(true);
        expect(left(folder)).toEqual([]);
      });
    });

    test("of a folder: the checkpoint is there, and it is said apart that it may not survive a power cut", async () => {
      const whole = await undisturbed(setup, 3);
      await inFolder(async (folder) => {
        const program = traced(folder, "4");
        expect(await program.ended).toBe(0);
        expect(program.lines).toContainEqual(
          expect.stringMatching(
            /^ermine: The checkpoint .*update-000000002.safetensors was written, but whether it would survive a power cut is not known: EIO/,
          ),
        );
        expect(newest(folder).equals(whole)).toBe(true);
      });
    });

    test("of every file from then on: what was written before is there, and goes on to the same end", async () => {
      const whole = await undisturbed(setup, 3);
      await inFolder(async (folder) => {
        const first = start(setup, folder, 5, 3);
        await first.said("written 4");
        first.process.kill("SIGINT");
        await first.ended;
        const before = newest(folder);
        cpSync(folder, `${folder}-before`, { recursive: true });
        await expect(traced(folder, "3+").ended).rejects.toThrow(
          /The end of the training is not kept: .*was not written: EIO.*device/,
        );
        expect(newest(folder).equals(before)).toBe(true);
        expect(left(folder)).toEqual([]);
        expect(existsSync(join(folder, "best.safetensors"))).toBe(existsSync(join(`${folder}-before`, "best.safetensors")));
        expect(await start(setup, folder, 0).ended).toBe(0);
        expect(newest(folder).equals(whole)).toBe(true);
      });
    });
  });
} else it("flushes that fail: not run (needs strace: apt-get install strace)", () => {});
