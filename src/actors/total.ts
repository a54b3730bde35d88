// Callbacks that natives and sockets call must not throw at them. A throw becomes a fault of the one session it belongs to.

export type ReportFault = (error: unknown) => void;

export function total<Args extends unknown[], Result>(
  fault: ReportFault,
  otherwise: Result,
  callback: (...args: Args) => Result,
): (...args: Args) => Result {
  return (...args) => {
    try {
      return callback(...args);
    } catch (error) {
      fault(error);
      return otherwise;
    }
  };
}
