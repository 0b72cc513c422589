import { AbiCoder, type BytesLike, getBytes, Interface, type InterfaceAbi, ParamType, Result } from "ethers";
import { decodeText } from "../../../utils/text/decode.js";
import { withHashes } from "./hashes.js";

/**
 * The most bytes of one text from the chain, such as a proposal's description or a ballot's reason. A transaction of
 * 16,777,216 gas (EIP-7825) could bring 400 KB, and thousands of them are cached; people read less than this.
 */
export const MAX_CHAIN_TEXT_BYTES = 65_536;

/**
 * ethers' decoder, except that any bytes are a text: contracts store and emit a `string` unchecked, and ethers' own throws once
 * somebody reads one that is not UTF-8, so that one transaction would make a whole list of events unreadable.
 */
class TextCoder extends AbiCoder {
  override decode(types: readonly (string | ParamType)[], data: BytesLike, loose?: boolean): Result {
    const params = types.map((type) => ParamType.from(type));
    return textsIn(params, super.decode(params.map(rawParam), data, loose));
  }
}

const coder = new TextCoder();

class TextInterface extends Interface {
  // Called by the constructor of Interface.
  override getAbiCoder(): AbiCoder {
    return coder;
  }
}

/** The functions, events and errors of an ABI, as its factory types them. Decodes any bytes; see {@link decodeText}. */
export function interfaceOf<Face extends Interface = Interface>(factory: {
  readonly abi: InterfaceAbi;
  createInterface?(): Face;
}): Face {
  return withHashes(new TextInterface(factory.abi)) as Face;
}

/** ABI-encoded values in which each `string` is its raw bytes, as hex. */
export function decodeRaw(params: readonly ParamType[], data: BytesLike): Result {
  return AbiCoder.defaultAbiCoder().decode(params.map(rawParam), data);
}

/** The parameters that were seen: those of our own contracts. */
const rawParams = new WeakMap<ParamType, ParamType>();

/** The same parameter with `bytes`, which are encoded alike, in place of each `string`; itself if it has none. */
function rawParam(param: ParamType): ParamType {
  const known = rawParams.get(param);
  if (known !== undefined) return known;
  const json = param.format("json");
  const replaced = json.replaceAll(/"type":"string((?:\[\d*\])*)"/g, '"type":"bytes$1"');
  const raw = replaced === json ? param : ParamType.from(JSON.parse(replaced), true);
  rawParams.set(param, raw);
  return raw;
}

function textsIn(params: readonly ParamType[], values: Result): Result {
  if (params.every((param) => rawParam(param) === param)) return values;
  const texts = params.map((param, i) => (rawParam(param) === param ? values[i] : textOf(param, values[i])));
  return Result.fromItems(
    texts,
    params.map(({ name }) => name || null),
  );
}

function textOf(param: ParamType, value: unknown): unknown {
  if (param.isArray()) {
    const { arrayChildren } = param;
    return Result.fromItems(Array.from(value as Result, (each) => textOf(arrayChildren, each)));
  }
  if (param.isTuple()) return textsIn(param.components, value as Result);
  return param.baseType === "string" ? decodeText(getBytes(value as string), MAX_CHAIN_TEXT_BYTES) : value;
}
